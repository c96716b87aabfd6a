// npm run scanner: compiles the line scanner to WebAssembly, beside its source. A test says where that was forgotten.
import { compileScanner, SCANNER_WASM } from './compile-scanner.ts'

await compileScanner(SCANNER_WASM)
