import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { SETTINGS } from '../../src/settings.ts'
import { makeFolder } from '../support/transcripts.ts'

const run = promisify(execFile)

// No engine of containers is here: what the files say is looked at.

const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n')
const dockerfile = lines('Dockerfile').filter((line) => !line.startsWith('#'))
const of = (instruction: string): string[] =>
  dockerfile.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1))
/** What the image is made of; what came before was needed to build it. */
const last = dockerfile.slice(dockerfile.findLastIndex((line) => line.startsWith('FROM ')))

/** Files and folders that a stage takes from the repository, and where it puts them. */
const copied = (stage: readonly string[]): [from: string, to: string][] =>
  stage
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
    .flatMap((line) => {
      const names = line.split(' ').slice(1)
      const to = names.pop() as string
      return names.map((from): [string, string] => [from, to.endsWith('/') ? join(to, from) : to])
    })
/** As `npm ci --omit=dev` leaves it, as far as the build looks: the page of /graphiql is for developers. */
function installForUse(folder: string): void {
  mkdirSync(folder)
  for (const name of readdirSync('node_modules').filter((one) => !['graphiql', 'react', 'react-dom'].includes(one)))
    symlinkSync(resolve('node_modules', name), join(folder, name))
}
const settings = new Set(Object.keys(SETTINGS))

describe('the image', () => {
  test('is built of the files that it names alone, and what comes of them runs', async () => {
    const [building, image] = [makeFolder(), makeFolder()]
    const first = dockerfile.slice(
      0,
      dockerfile.findLastIndex((line) => line.startsWith('FROM ')),
    )
    for (const [from, to] of copied(first)) cpSync(from, join(building, to), { recursive: true })
    installForUse(join(building, 'node_modules'))
    // what `npm ci` runs when it has installed
    const { prepare } = JSON.parse(readFileSync(join(building, 'package.json'), 'utf8')).scripts
    expect(prepare).toBe('node scripts/build.js')
    await run(process.execPath, ['scripts/build.js'], { cwd: building })
    for (const [from, to] of copied(last)) cpSync(from, join(image, to), { recursive: true })
    for (const name of ['node_modules', 'dist']) {
      expect(last).toContain(`COPY --from=build /app/${name} ${name}`)
      symlinkSync(join(building, name), join(image, name))
    }
    const [node, program] = JSON.parse(of('CMD').at(-1) as string)
    expect(node).toBe('node')
    expect((await run(process.execPath, [program, '--version'], { cwd: image })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('has what the package has, and nothing else of the repository', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] }
    const taken = last.filter((line) => /^COPY --from=build/.test(line)).map((line) => line.split(' ').at(-1))
    expect([...copied(last).map(([from]) => from), ...taken].sort()).toEqual(
      [...files, 'package.json', 'node_modules'].sort(),
    )
  })

  test('sets what there is to set', () => {
    const names = of('ENV').flatMap((line) => line.split(' ').map((one) => one.split('=')[0]))
    expect(names).toContain('DATA_DIR')
    for (const name of names) expect(settings).toContain(name)
  })

  test('is made of the Node that is tested, by its version, or by the digest that somebody gives', () => {
    const node = JSON.parse(readFileSync('package.json', 'utf8')).devDependencies.node
    expect(of('ARG')).toEqual([`NODE_IMAGE=node:${node}-bookworm-slim`])
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how it is written there
    for (const from of of('FROM')) expect(from.split(' ')[0]).toBe('${NODE_IMAGE}')
  })

  test('runs as a user without rights, who cannot change the program', () => {
    expect(of('USER')).toEqual(['node'])
    expect(last.filter((line) => line.startsWith('COPY ') && line.includes('--chown'))).toEqual([])
    expect(last.join('\n')).toContain('chown node:node /data\n')
  })

  test('has neither npm nor what only developers need', () => {
    expect(of('RUN')).toContainEqual(expect.stringMatching(/^npm ci --omit=dev && rm -r node_modules\/rolldown /))
    expect(last.join('\n')).toContain('rm -rf /usr/local/lib/node_modules')
  })

  test('holds no secret, and gets no file but those that are named', () => {
    for (const line of [...of('ENV'), ...of('ARG')]) expect(line).not.toMatch(/SECRET|PASSWORD|TOKEN|KEY/)
    const ignore = lines('.dockerignore').filter((line) => line !== '')
    expect(ignore[0]).toBe('*')
    expect(ignore.join(' ')).not.toMatch(/\.git|\.env|\.token-bridge|node_modules/)
    const taken = of('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1))
    // one that is not let in ends the build
    for (const path of taken) expect(ignore).toContain(`!${path.split('/')[0]}`)
  })

  test('says whether it is healthy, and ends when it is told to', () => {
    expect(of('HEALTHCHECK')).toHaveLength(1)
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM'])
    expect(of('CMD').at(-1)).toMatch(/^\["node", /)
  })
})

describe('the containers together', () => {
  const text = readFileSync('compose.yaml', 'utf8')
  const services = text
    .slice(text.indexOf('\nservices:'), text.indexOf('\nnetworks:'))
    .split(/\n {2}(?=\w)/)
    .slice(1)
  const called = (name: string): string => services.find((it) => it.startsWith(`${name}:`)) as string

  test('have the bridge in a file system that it cannot change, without rights', () => {
    const bridge = called('bridge')
    for (const line of ['read_only: true', 'tmpfs: [/tmp]', 'cap_drop: [ALL]', '/transcripts:ro'])
      expect(bridge).toContain(line)
  })

  test('set what the bridge has to be set, and name commands that there are', () => {
    const [, block = ''] = /\n {4}environment:\n(.*?)\n {4}\w/s.exec(called('bridge')) ?? []
    const names = [...block.matchAll(/^ {6}(\w+):/gm)].map(([, name]) => name)
    expect(names).toContain('CLICKHOUSE_URL')
    for (const name of names) expect(settings).toContain(name)
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const [, name] of text.matchAll(/npm run (\S+)/g)) expect(scripts).toHaveProperty([name as string])
  })

  test('gain no rights, and are of a version that is named', () => {
    expect(services).toHaveLength(5)
    for (const it of services) {
      expect(it).toContain('security_opt: ["no-new-privileges:true"]')
      expect(it).not.toMatch(/privileged: true|network_mode|docker\.sock|cap_add/)
      expect(it).toMatch(/\n {4}(image: \S+:\d[\w.]+|build: \.)\n/)
    }
  })

  test('are reached from this machine alone, and databases by nobody but who asks them', () => {
    for (const [, port] of text.matchAll(/ports: \["([^"]+)"/g)) expect(port).toMatch(/^127\.0\.0\.1:/)
    for (const name of ['clickhouse', 'redis', 'postgres']) expect(called(name)).not.toContain('ports:')
    for (const name of ['clickhouse', 'redis']) expect(called(name)).toContain('networks: [databases]')
    expect(called('postgres')).toContain('networks: [unleash]')
    expect(called('unleash')).toContain('networks: [outside, unleash]')
    for (const network of ['databases', 'unleash']) expect(text).toContain(`\n  ${network}: { internal: true }\n`)
  })

  test('have their secrets from outside of the file', () => {
    for (const [, name, value] of text.matchAll(/^ +(\w*(?:SECRET|PASSWORD|TOKENS?)): (.*)$/gm))
      expect(value, name).toMatch(/^\$\{[A-Z_]+(:\?[^}]+)?\}$/)
  })
})
