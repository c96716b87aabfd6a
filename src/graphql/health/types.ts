import { Field, ObjectType } from 'type-graphql'
import { Access, READERS } from '../access.ts'
import { Size } from '../cost.ts'
import { ComponentStateEnum } from '../enums.ts'

type ComponentState = keyof typeof ComponentStateEnum

@ObjectType('ComponentHealth')
@Access(READERS)
export class ComponentHealthType {
  @Field(() => String) name!: string
  @Field(() => ComponentStateEnum) state!: ComponentState
  @Field(() => String, { nullable: true }) detail!: string | null
}

@ObjectType('Health', { description: 'The worst state of the parts that are on, and each part.' })
@Access(READERS)
export class HealthType {
  @Field(() => ComponentStateEnum) state!: ComponentState
  @Field(() => [ComponentHealthType]) @Size(10) components!: ComponentHealthType[]
}
