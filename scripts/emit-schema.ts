// Writes schema/schema.graphql from the code, or with --check compares it (exit code 1 where they differ).
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { rolldown } from 'rolldown'

const PATH = 'schema/schema.graphql'
const BUILT = resolve('node_modules/.cache/schema')
// Node cannot run it as it is: decorators are no erasable syntax. Other packages stay outside, so that there is one graphql
const build = await rolldown({
  input: 'src/graphql/schema.ts',
  platform: 'node',
  external: (id) => /^[^./\0]/.test(id) && !id.startsWith('@oxc-project/'),
})
await build.write({ dir: BUILT })
const { createSchema } = (await import(
  pathToFileURL(join(BUILT, 'schema.js')).href
)) as typeof import('../src/graphql/schema.ts')
const text = `# Emitted from the code by npm run schema; do not edit.\n${printSchema(lexicographicSortSchema(await createSchema()))}\n`
if (!process.argv.includes('--check')) writeFileSync(PATH, text)
else if (readFileSync(PATH, 'utf8') !== text) {
  process.stderr.write(`${PATH} is not what the code says: npm run schema\n`)
  process.exitCode = 1
}
