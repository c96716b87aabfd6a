// What every page needs, in a few lines.

type Child = Node | string

/** An element with its attributes and children. Text stays text, whatever is in it. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** The element of an id that is in the page. */
export function byId<Kind extends HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as Kind
}

export function table(head: readonly string[], rows: readonly (readonly Child[])[]): HTMLTableElement {
  const cells = (name: 'th' | 'td', row: readonly Child[]) => row.map((cell) => element(name, {}, cell))
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...cells('th', head))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells('td', row)))),
  )
}

/** A count of any size, exactly. */
export const count = (decimal: string): string => BigInt(decimal).toLocaleString('en')

/** `null`: nothing of it can be priced. */
export const dollars = (usd: number | null | undefined): string =>
  usd == null ? 'no price' : usd.toLocaleString('en', { style: 'currency', currency: 'USD' })
