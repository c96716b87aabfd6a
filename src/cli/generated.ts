/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type ComponentState =
  | 'DEGRADED'
  | 'DOWN'
  | 'OFF'
  | 'UP';

export type DataSource =
  | 'CLICKHOUSE'
  | 'HYBRID'
  | 'LEGACY';

export type RoutingReason =
  | 'BRIDGE_DISABLED'
  | 'EXPERIMENT'
  | 'GUARD_TRIPPED'
  | 'HISTORICAL_DATA_DISABLED'
  | 'MIGRATION_BELOW_THRESHOLD'
  | 'ROLLOUT'
  | 'SOURCE_UNAVAILABLE'
  | 'USER_PREFERENCE';

export type SourcePreference =
  | 'AUTO'
  | 'CLICKHOUSE'
  | 'LEGACY';

export type HealthQueryVariables = Exact<{ [key: string]: never; }>;


export type HealthQuery = { health: { state: ComponentState, components: Array<{ name: string, state: ComponentState, detail: string | null }> } };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { userId: string, roles: Array<string>, cohort: string | null, preference: SourcePreference, decision: { source: DataSource, reason: RoutingReason } } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const HealthDocument = new TypedDocumentString(`
    query Health {
  health {
    state
    components {
      name
      state
      detail
    }
  }
}
    `) as unknown as TypedDocumentString<HealthQuery, HealthQueryVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    userId
    roles
    cohort
    preference
    decision {
      source
      reason
    }
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;