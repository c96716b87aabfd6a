import { Field, ObjectType } from 'type-graphql'
import { Access } from '../access.ts'
import { DatabaseAccessEnum } from '../enums.ts'
import { DateTimeScalar } from '../scalars/date-time.ts'

@ObjectType('Isolation', { description: 'Whether the bridge reads and writes nothing but health.' })
@Access(['operator'])
export class IsolationType {
  @Field(() => Boolean) isolated!: boolean
  @Field(() => DateTimeScalar, { nullable: true }) since!: number | undefined
  @Field(() => String, { nullable: true }) by!: string | undefined
  @Field(() => String, { nullable: true }) reason!: string | undefined
  @Field(() => DatabaseAccessEnum) databaseAccess!: keyof typeof DatabaseAccessEnum
  @Field(() => String, {
    nullable: true,
    description: 'What an administrator of the database runs to take the access away, where the bridge may not.',
  })
  sql!: string | undefined
}
