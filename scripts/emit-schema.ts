// Writes schema/schema.graphql from the code, or with --check compares it (exit code 1 where they differ).
import { readFileSync, writeFileSync } from 'node:fs'
import { lexicographicSortSchema, printSchema } from 'graphql'

const PATH = 'schema/schema.graphql'
// from the build: decorators are no erasable syntax
const { createSchema } = (await import(
  new URL('../dist/graphql/schema.js', import.meta.url).href
)) as typeof import('../src/graphql/schema.ts')
const text = `# Emitted from the code by npm run schema; do not edit.\n${printSchema(lexicographicSortSchema(await createSchema()))}\n`
if (!process.argv.includes('--check')) writeFileSync(PATH, text)
else if (readFileSync(PATH, 'utf8') !== text) {
  process.stderr.write(`${PATH} is not what the code says: npm run schema\n`)
  process.exitCode = 1
}
