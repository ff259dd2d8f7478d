export { type CompileOptions, type CompileResult, compileRuleFiles } from './compile.ts'
export type { Stopwatch } from './context.ts'
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateRules,
  type RuleResult,
  type RuleTrace,
  type TraceClass,
} from './evaluate.ts'
export { checkExamples, EXAMPLE_TIME, type ExampleMessage, type ExampleReader, type ExampleReading } from './examples.ts'
export { EVENTS, type RuleAuthor, type RuleEvent, type RuleFacts, type RuleMessage } from './facts.ts'
export { stableId } from './hash.ts'
export {
  differenceOf,
  EMPTY_LIBRARY,
  type Reload,
  type ReloadOptions,
  type RuleDifference,
  type RuleLibrary,
  type RuleVersion,
  reloadingRules,
  rollingBackRules,
} from './library.ts'
export type { DroppedEffect, PlannedEffect, RulePlan } from './plan.ts'
export { priceText } from './price-text.ts'
export { problemLine, type RuleProblem } from './problem.ts'
export type { CompiledRule, RuleSet } from './rule-set.ts'
export { type SimulatedMessage, type Simulation, simulateRules } from './simulate.ts'
export type { RuleFile } from './source.ts'
export { muteRule, RuleState, type RuleStateView, type StateChange } from './state.ts'
export { TagBook, type TagSubject, tagChange } from './tags.ts'
