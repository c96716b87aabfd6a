/** An error of listening, with the settings that are wrong and what helps. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const told = toldOf(error.code, host, port)
  return told === undefined ? error : new Error(told, { cause: error })
}

function toldOf(code: string | undefined, host: string, port: number): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `PORT ${port} of HOST ${host} is in use by another program: stop it, or set PORT to another one (0 takes a free one)`
    case 'EACCES':
      return `this user may not listen at PORT ${port} of HOST ${host}: set PORT to 1024 or above`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
      return `HOST ${host} is no address of this machine: set HOST to 127.0.0.1 for this machine alone, or to 0.0.0.0`
    default:
      return undefined
  }
}
