// Builds dist/: the compiled program, and what lies beside it. With what `npm ci --omit=dev` installs, too.
// JavaScript, so that every Node that can run the program can build it.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

/** What is started: by `bin/`, and as threads. */
const STARTED = {
  main: 'src/cli/main.ts',
  statusline: 'src/cli/statusline/statusline.ts',
  'analysis-thread': 'src/enhanced-analysis/thread/analysis-thread.ts',
  'scan-worker': 'src/enhanced-analysis/scanning/scan-worker.ts',
  'hash-worker': 'src/enhanced-analysis/scanning/hash-worker.ts',
}
/** As deep below the root as the rooms of `src/`: a path that is relative to a module leads to the same place from both. */
const PROGRAM = 'dist/program'
/** Made by `npm run scanner`, and kept beside its source. */
const SCANNER = 'src/transcripts/claude-code/line-scanner/line-scanner.wasm'
/** Compiled code of other packages stays where it was installed; the last one nobody installs, nor needs. */
const LEFT_OUT = [/^chdb(\/|$)/, /^@parcel\/watcher$/, 'class-validator']

const { resolve } = createRequire(import.meta.url)
rmSync('dist', { recursive: true, force: true })
await bundle()
cpSync(SCANNER, join(PROGRAM, 'line-scanner.wasm'))
buildGraphiql()

/** Everything in a few files: a process that reads a thousand of them takes twice as long to start. */
async function bundle() {
  const build = await rolldown({
    input: STARTED,
    platform: 'node',
    external: LEFT_OUT,
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  await build.write({ dir: PROGRAM, entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' })
  await build.close()
}

/** The page of /graphiql: built files of packages that `npm ci --omit=dev` does not install; without them there is no page. */
function buildGraphiql() {
  const packages = ['graphiql', 'react', 'react-dom'].map((name) => [name, folderOf(name)])
  if (packages.some(([, folder]) => folder === undefined)) return
  const { graphiql, react, 'react-dom': reactDom } = Object.fromEntries(packages)
  const out = 'dist/graphiql'
  mkdirSync(out)
  for (const name of ['index.html', 'page.js', 'page.css']) cpSync(join('graphiql', name), join(out, name))
  copyWithoutMap(join(graphiql, 'graphiql.min.js'), join(out, 'graphiql.js'))
  cpSync(join(graphiql, 'graphiql.min.css'), join(out, 'graphiql.css'))
  cpSync(join(react, 'umd/react.production.min.js'), join(out, 'react.js'))
  cpSync(join(reactDom, 'umd/react-dom.production.min.js'), join(out, 'react-dom.js'))
  for (const [name, folder] of packages) cpSync(join(folder, 'LICENSE'), join(out, `LICENSE-${name}`))
  const questions = readdirSync('graphiql/questions').sort()
  const texts = questions.map((name) => readFileSync(join('graphiql/questions', name), 'utf8'))
  writeFileSync(join(out, 'questions.json'), JSON.stringify(texts))
}

/** Browsers would ask for it, and it is larger than all the rest. */
function copyWithoutMap(from, to) {
  writeFileSync(to, readFileSync(from, 'utf8').replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n'))
}

/** `undefined` where the package is not installed. */
function folderOf(name) {
  try {
    return dirname(resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}
