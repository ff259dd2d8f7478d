export { candidatesOf } from './candidates.ts'
export { type EngineOptions, RulesEngine } from './engine.ts'
export type {
  Audience,
  EngineFacts,
  EngineInput,
  EngineMatches,
  EnginePlan,
  EngineProfile,
  Outcome,
  SubscriptionOwner,
} from './model.ts'
