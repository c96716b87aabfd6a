/** An error of listening, with the settings that are wrong and what helps. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number, setting = 'PORT'): Error {
  const told = toldOf(error.code, host, port, setting)
  return told === undefined ? error : new Error(told, { cause: error })
}

function toldOf(code: string | undefined, host: string, port: number, setting: string): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `${setting} ${port} of HOST ${host} is in use by another program: stop it, or set ${setting} to another one (0 takes a free one)`
    case 'EACCES':
      return `this user may not listen at ${setting} ${port} of HOST ${host}: set ${setting} to 1024 or above`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `HOST ${host} is no address of this machine: set HOST to 127.0.0.1 for this machine alone, or to 0.0.0.0`
    default:
      return undefined
  }
}
