export { type ParsedQuery, type ParseOptions, parseQuery, type QueryProblem } from './parse.ts'
export { acceptQuery, type SubscriptionInput, type SubscriptionQuery, subscriptionQuerySchema } from './query.ts'
export { type SubscriptionHits, SubscriptionIndex, type SubscriptionIndexOptions } from './subscription-index.ts'
