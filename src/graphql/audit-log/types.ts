import { Field, Int, ObjectType, registerEnumType } from 'type-graphql'
import { LIMITS } from '../../domain/limits.ts'
import { NOTED_COMMANDS, type NotedCommand } from '../../ports/audit.ts'
import { Access } from '../access.ts'
import { Cost } from '../cost.ts'
import { BigIntScalar } from '../scalars/big-int.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'
import { PageInfoType } from '../sessions/types.ts'

const COMMANDS = Object.keys(NOTED_COMMANDS) as NotedCommand[]
export const NotedCommandEnum = Object.fromEntries(COMMANDS.map((name) => [name, name]))
registerEnumType(NotedCommandEnum, {
  name: 'NotedCommand',
  description: "Commands of the server's machine that change or hand out something by themselves.",
  valuesConfig: Object.fromEntries(
    COMMANDS.map((name) => [name, { description: `\`${NOTED_COMMANDS[name].replace('command', 'token-bridge')}\`.` }]),
  ),
})

@ObjectType('AuditEntry', { description: 'What somebody did, or tried. No content of records, no secret.' })
@Access(['operator'])
export class AuditEntryType {
  @Field(() => BigIntScalar, { description: 'In the chain of its instance, from 0 on, without gaps.' })
  position!: bigint
  @Field(() => DateTimeScalar) at!: number
  @Field(() => String, { nullable: true, description: 'Null: nobody is known.' }) who!: string | null
  @Field(() => String, { description: 'Such as `mutation revokeAccess`, `query Days`, `sign-in`.' }) action!: string
  @Field(() => String, { description: '`ok`, or the code of an error.' }) outcome!: string
  @Field(() => String, { nullable: true }) detail!: string | null
  @Field(() => String, { nullable: true, description: 'Address that the request came from.' }) from!: string | null
  @Field(() => String, { nullable: true, description: 'As in the header X-Request-Id, and the log.' })
  requestId!: string | null
  @Field(() => Int, { description: 'How often within a second.' }) count!: number
  @Field(() => String, { description: 'Whose audit log has it: host and data folder.' }) instance!: string
}

@ObjectType('AuditEdge')
@Access(['operator'])
export class AuditEdgeType {
  @Field(() => String) cursor!: string
  @Field(() => AuditEntryType) node!: AuditEntryType
}

@ObjectType('AuditConnection')
@Access(['operator'])
export class AuditConnectionType {
  @Field(() => [AuditEdgeType])
  @Cost({ size: (_args, { first }) => Math.min(Number(first), LIMITS.auditPage.value) })
  edges!: AuditEdgeType[]
  @Field(() => PageInfoType) pageInfo!: PageInfoType
}
