// A process of its own, in which chDB's library is a ClickHouse server. The library's command line is clickhouse-local,
// which can open a server's ports. The first line of standard input has its arguments; with standard input it ends, so
// that it never outlives whoever started it. Nothing is lost by ending at once: what was acknowledged is on disk.
import { createInterface } from 'node:readline'
import { libchdbPath } from 'chdb/libchdb'
import { DataType, load, open } from 'ffi-rs'

const input = createInterface({ input: process.stdin })
input.once('line', async (line) => {
  const args = ['clickhouse-local', ...(JSON.parse(line) as string[])]
  open({ library: 'chdb', path: libchdbPath() })
  // in a thread of its own: this one must notice the end of its input
  await load({
    library: 'chdb',
    funcName: 'chdb_query_cmdline',
    retType: DataType.External,
    paramsType: [DataType.I32, DataType.StringArray],
    paramsValue: [args.length, args],
    runInNewThread: true,
  })
  // it waits without end, unless it could not begin: it has said why
  process.exit(1)
})
input.once('close', () => process.kill(process.pid, 'SIGKILL'))
