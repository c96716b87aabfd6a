import { createAnswerFigures } from '../../src/observability/figures/answers.ts'
import { createDependencyFigures } from '../../src/observability/figures/dependencies.ts'
import { newHistogram } from '../../src/observability/histogram.ts'
import type { Figures } from '../../src/observability/metrics.ts'

/** Of a service that has done nothing. */
export const noFigures = (): Figures => ({
  analysis: () => undefined,
  migration: () => undefined,
  audit: () => ({ position: 0, isWritable: true, alarms: {} }),
  overdue: () => [],
  shadow: () => ({
    ...{ agreed: 0, differed: 0, confirmed: 0, controls: 0, controlsDiffered: 0, leftArchived: 0 },
    ...{ discarded: {}, dropped: {}, consistency: undefined, isGuardTripped: false },
  }),
  risk: () => [],
  answers: createAnswerFigures(),
  dependencies: createDependencyFigures(),
  service: {
    version: '',
    components: () => [],
    flagsAsOf: () => undefined,
    isRedisConnected: () => undefined,
    sockets: () => 0,
    shipping: () => undefined,
    visible: () => newHistogram([]),
    parts: () => [],
  },
})
