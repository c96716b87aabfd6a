const VERSIONED = /^(\d{1,6}):/

/** A digest that says of which version it is. One without a prefix is of version 1. */
export const versionedDigest = (version: number, hex: string): string => (version === 1 ? hex : `${version}:${hex}`)

/** The version of a digest: what it must be compared with is made in that version. */
export function digestVersion(digest: string): number {
  const [, version] = VERSIONED.exec(digest) ?? []
  return version === undefined ? 1 : Number(version)
}
