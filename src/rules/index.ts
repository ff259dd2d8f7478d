export { holds, type PreparedCondition, type PreparedFacts, prepareCondition, prepareFacts } from './condition.ts'
export { compileRules, evaluate, type Plan, type RuleSet } from './evaluate.ts'
export type { MessageFacts } from './facts.ts'
export { type Condition, conditionSchema, type Rule, ruleSchema } from './schema.ts'
