import { fieldOf } from '../../domain/record-fields.ts'
import { isEverything, SCOPE_FIELDS, SCOPE_LISTS, type Scope } from '../../domain/scope.ts'
import type { Params } from '../database.ts'

/** What a record must satisfy to be within one of the scopes: nothing, or one condition. Names are parameters. */
export function scopesSql(access: readonly Scope[]): { conditions: string[]; params: Params } {
  if (isEverything(access)) return { conditions: [], params: {} }
  const params: Params = {}
  const scopes = access.map((scope, i) =>
    SCOPE_LISTS.flatMap((list) => {
      const names = scope[list]
      if (names === undefined) return []
      const param = `scope_${i}_${list}`
      params[param] = names
      return [`has({${param}:Array(String)}, ${fieldOf(SCOPE_FIELDS[list]).column})`]
    }).join(' AND '),
  )
  return { conditions: [scopes.length === 0 ? 'false' : `(${scopes.map((one) => `(${one})`).join(' OR ')})`], params }
}
