import asc from 'assemblyscript/asc'

const FOLDER = 'src/transcripts/claude-code/line-scanner'

export const SCANNER_WASM = `${FOLDER}/line-scanner.wasm`

/** Compiles AssemblyScript to WebAssembly: the same source and compiler give the same bytes. Throws what the compiler says. */
export async function compileScanner(outFile: string): Promise<void> {
  const { error, stderr } = await asc.main([
    `${FOLDER}/assembly/index.ts`,
    '--outFile',
    outFile,
    '-O3',
    '--noAssert',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--enable',
    'bulk-memory',
  ])
  if (error !== null) throw new Error(`${stderr.toString()}\n${error.message}`)
}
