// Builds dist/: the compiled program, and what lies beside it. With what `npm ci --omit=dev` installs, too.
// JavaScript, so that every Node that can run the program can build it.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Made by `npm run scanner`, and kept beside its source. */
const SCANNER = 'transcripts/claude-code/line-scanner/line-scanner.wasm'

rmSync('dist', { recursive: true, force: true })
const { resolve } = createRequire(import.meta.url)
const tsc = resolve('typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(1)
cpSync(`src/${SCANNER}`, `dist/${SCANNER}`)
buildGraphiql()

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
