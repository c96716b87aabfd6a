// npm run check:supply: what package.json and package-lock.json bring in; needs no network. Exit code 1 where something is wrong.
import { readFileSync } from 'node:fs'
import { supplyMistakes } from './supply.ts'

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

for (const mistake of supplyMistakes(read('package.json'), read('package-lock.json'))) {
  process.exitCode = 1
  process.stdout.write(`${mistake}\n`)
}
