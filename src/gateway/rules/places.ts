import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { language } from '../../rules/index.ts'
import type { Config } from '../config/schema.ts'
import { readRuleFiles, SHIPPED_RULES } from './files.ts'

/** Folder or file the gateway takes its rules from. */
export function rulesPath({ market, dataDir }: Pick<Config, 'market' | 'dataDir'>): string {
  if (market.rules !== undefined) return resolve(market.rules)
  const own = join(dataDir, 'rules')
  return existsSync(own) ? own : SHIPPED_RULES
}

/** The rule files of the configuration, or those named instead. */
export const ruleFilesOf = (config: Pick<Config, 'market' | 'dataDir'>, named: readonly string[] = []): language.RuleFile[] =>
  readRuleFiles(named.length > 0 ? named : [rulesPath(config)])
