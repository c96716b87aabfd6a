import { Field, Float, Int, ObjectType } from 'type-graphql'
import type { ArmDifference, ArmVerdict } from '../../rollout/comparison.ts'
import type { ExperimentReport } from '../../rollout/experiment.ts'
import { Access } from '../access.ts'
import { Size } from '../cost.ts'
import { ArmVerdictEnum } from '../enums.ts'
import { BigIntScalar } from '../scalars/big-int.ts'

const NULLABLE = { nullable: true } as const

@ObjectType('ArmDifference', {
  description:
    "Database minus legacy. The interval contains the true difference with 95 %, however often one looks, corrected for the number of measures. The unit is the user: each user's mean. logLatency is of the natural logarithm of the milliseconds of answers that came from no cache: 0.095 is 10 % slower.",
})
@Access(['operator'])
export class ArmDifferenceType implements Omit<ArmDifference, 'moreQuestions'> {
  @Field(() => String, { description: 'errorRate, fallbackRate, mismatchRate, logLatency, cacheHitRate.' })
  measure!: string
  @Field(() => Float, { ...NULLABLE, description: 'null where nothing was measured.' }) difference!: number | null
  @Field(() => Float, NULLABLE) low!: number | null
  @Field(() => Float, NULLABLE) high!: number | null
  @Field(() => ArmVerdictEnum) verdict!: ArmVerdict
  @Field(() => String) reason!: string
}

@ObjectType('ExperimentArm', {
  description: 'The users whom the experiment put into an arm, whatever answered them, and what came to them.',
})
@Access(['operator'])
export class ExperimentArmType {
  @Field(() => String) cohort!: string
  @Field(() => Float, { description: 'Of users, 0 to 1, by the flag; where it depends on the user, the one that is.' })
  expectedShare!: number
  @Field(() => Int, { description: 'Whom the experiment decided an answer for.' }) users!: number
  @Field(() => BigIntScalar) questions!: bigint
  @Field(() => Float, { ...NULLABLE, description: 'As all rates: the mean of the rates of users, 0 to 1.' })
  errorRate!: number | null
  @Field(() => Float, { ...NULLABLE, description: 'Of questions that another source answered than the arm has.' })
  fallbackRate!: number | null
  @Field(() => Float, NULLABLE) cacheHitRate!: number | null
  @Field(() => Float, { ...NULLABLE, description: 'Of questions that both sources were asked.' })
  mismatchRate!: number | null
  @Field(() => Float, { ...NULLABLE, description: 'Of all answers of sources, those from the cache included, to 1 %.' })
  latencyP50Ms!: number | null
  @Field(() => Float, NULLABLE) latencyP95Ms!: number | null
  @Field(() => Float, NULLABLE) latencyP99Ms!: number | null
}

@ObjectType('Experiment', {
  description:
    'The arms of dashboard_ab_test, under the weights that count now (of a time that is over: that counted last), by the days of 30 days that are asked for.',
})
@Access(['operator'])
export class ExperimentType implements Omit<ExperimentReport, 'arms' | 'differences'> {
  @Field(() => String) flag!: string
  @Field(() => Boolean) enabled!: boolean
  @Field(() => [ExperimentArmType]) @Size(2) arms!: ExperimentArmType[]
  @Field(() => Int, { description: 'Users who were in both arms, as after a change of weights; not compared.' })
  crossovers!: number
  @Field(() => Float, {
    ...NULLABLE,
    description: 'Chi-square over distinct users; null where there are too few, or the flag has no one share.',
  })
  sampleRatioP!: number | null
  @Field(() => Boolean, { description: 'p is below 0.001, and the share is off by at least 0.1 points of percent.' })
  sampleRatioMismatch!: boolean
  @Field(() => [ArmDifferenceType]) @Size(5) differences!: ArmDifferenceType[]
  @Field(() => ArmVerdictEnum) verdict!: ArmVerdict
  @Field(() => String) reason!: string
}
