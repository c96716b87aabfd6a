// Compiles the line scanner from AssemblyScript to WebAssembly, beside its source.
import asc from 'assemblyscript/asc'

const folder = 'src/enhanced-analysis/line-scanner'
const { error, stderr } = await asc.main([
  `${folder}/assembly/index.ts`,
  '--outFile',
  `${folder}/line-scanner.wasm`,
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--enable',
  'bulk-memory',
])
if (error !== null) {
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`)
  process.exitCode = 1
}
