/** `name=value`. A text that could be taken for another name, or that ends nowhere, stands in quotes. */
export const namedValue = (name: string, value: unknown): string => {
  const text = String(value)
  return `${name}=${/[="]/.test(text) ? JSON.stringify(text) : text}`
}
