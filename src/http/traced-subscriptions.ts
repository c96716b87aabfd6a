import type { GraphQLFormattedError } from 'graphql'
import { inTrace, type Span, type Tell, type Tracer, traceparentOf } from '../ports/spans.ts'

/** Traces an answer that is pushed. */
export type TracePush = <T>(answer: (tell: Tell) => Promise<T>) => Promise<T>

/** The spans of subscriptions that are being taken, and of what is pushed by them. */
export interface TracedSubscriptions {
  /** A subscription came, as a part of a trace where `traceparent` names one; its answers are a part of it, too. */
  begin(payload: object, traceparent: unknown): TracePush | undefined
  /** It was taken, or refused: answers may come for hours, and are told as they come. */
  end(payload: object, errors: readonly GraphQLFormattedError[]): void
}

export function createTracedSubscriptions(tracer: Tracer): TracedSubscriptions {
  const spans = new WeakMap<object, Span>()
  return {
    begin(payload, given) {
      const span = tracer.begin('subscribe', {
        traceparent: typeof given === 'string' ? given : undefined,
        facts: { operation: 'subscription' },
      })
      if (span === undefined) return undefined
      spans.set(payload, span)
      const traceparent = traceparentOf(span.place)
      return (answer) => inTrace(tracer, 'push', { traceparent }, answer)
    },
    end(payload, errors) {
      const codes = [...new Set(errors.map(({ extensions }) => String(extensions?.code)))]
      const span = spans.get(payload)
      spans.delete(payload)
      if (codes.length > 0) span?.tell({ errors: codes })
      span?.end(codes[0])
    },
  }
}
