import { Field, Float, ObjectType } from 'type-graphql'
import { Access, READERS } from '../access.ts'
import { Size } from '../cost.ts'
import { ComponentStateEnum } from '../enums.ts'

type ComponentState = keyof typeof ComponentStateEnum

@ObjectType('ComponentHealth')
@Access(READERS)
export class ComponentHealthType {
  @Field(() => String) name!: string
  @Field(() => ComponentStateEnum) state!: ComponentState
  @Field(() => String, { nullable: true, description: 'For operators who see everything; null for others.' })
  detail!: string | null
  @Field(() => Float, {
    nullable: true,
    description: 'Seconds since it was heard of last: it is asked every 30 s. null: a part of this process, or off.',
  })
  ageSeconds!: number | null
}

@ObjectType('Health', { description: 'The worst state of the parts that are on, and each part.' })
@Access(READERS)
export class HealthType {
  @Field(() => ComponentStateEnum) state!: ComponentState
  @Field(() => [ComponentHealthType]) @Size(10) components!: ComponentHealthType[]
}
