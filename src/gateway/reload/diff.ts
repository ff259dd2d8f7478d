import { Secret } from '../../base/secret.ts'
import type { Config } from '../config/schema.ts'

export type AccountNetwork = 'discord' | 'telegram'

export interface AccountChange {
  readonly network: AccountNetwork
  readonly account: string
  readonly kind: 'added' | 'removed' | 'changed'
}

/** What differs between two configurations, sorted by how it takes effect. */
export interface ConfigChange {
  readonly routes: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
  }
  readonly accounts: readonly AccountChange[]
  readonly topics: { readonly join: readonly string[]; readonly leave: readonly string[] }
  readonly contacts: Config['node']['contacts']
  /** Further options that take effect at once. */
  readonly settings: readonly string[]
  /** Options that wait for the next start. */
  readonly restart: readonly string[]
}

/** Options read anew for every use; `routes`, `accounts`, topics and contacts are told one by one. */
const LIVE = new Set(['rules', 'access', 'limits', 'web.rooms', 'direct'])
/** Looked into one level deeper. */
const NESTED = ['node', 'web'] as const
const TOLD = new Set(['routes', 'accounts', 'node.topics', 'node.contacts'])
const NETWORKS: readonly AccountNetwork[] = ['discord', 'telegram']

/** Pure. Secrets are compared, never shown. */
export function diffConfig(before: Config, after: Config): ConfigChange {
  const changed = changedOptions(before, after)
  return {
    routes: diffBy(before.routes ?? [], after.routes ?? [], (route) => route.id),
    accounts: NETWORKS.flatMap((network) => diffAccounts(network, before, after)),
    topics: {
      join: after.node.topics.filter((topic) => !before.node.topics.includes(topic)),
      leave: before.node.topics.filter((topic) => !after.node.topics.includes(topic)),
    },
    contacts: after.node.contacts.filter((contact) => !before.node.contacts.some((known) => same(known, contact))),
    settings: changed.filter((option) => LIVE.has(option)),
    restart: changed.filter((option) => !LIVE.has(option)),
  }
}

/** Whether anything differs at all. */
export function isEmptyChange({ routes, accounts, topics, contacts, settings, restart }: ConfigChange): boolean {
  const lists = [routes.added, routes.removed, routes.changed, accounts, topics.join, topics.leave, contacts, settings, restart]
  return lists.every((list) => list.length === 0)
}

function changedOptions(before: Config, after: Config): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof Config)[]
  const changed = names.flatMap((name) => {
    const nested = NESTED.find((n) => n === name)
    if (nested === undefined) return same(before[name], after[name]) ? [] : [name]
    const [old, now] = [before[nested] as Record<string, unknown>, after[nested] as Record<string, unknown>]
    return [...new Set([...Object.keys(old), ...Object.keys(now)])]
      .filter((key) => !same(old[key], now[key]))
      .map((key) => `${nested}.${key}`)
  })
  return changed.filter((option) => !TOLD.has(option))
}

function diffAccounts(network: AccountNetwork, before: Config, after: Config): AccountChange[] {
  const entries = (config: Config) =>
    Object.entries(config.accounts[network]).map(([account, settings]) => ({ account, settings }))
  const { added, removed, changed } = diffBy(entries(before), entries(after), (entry) => entry.account)
  const as = (kind: AccountChange['kind']) => (account: string) => ({ network, account, kind })
  return [...added.map(as('added')), ...removed.map(as('removed')), ...changed.map(as('changed'))]
}

function diffBy<T>(before: readonly T[], after: readonly T[], nameOf: (item: T) => string): ConfigChange['routes'] {
  const old = new Map(before.map((item) => [nameOf(item), item]))
  const now = new Map(after.map((item) => [nameOf(item), item]))
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].filter(([name, item]) => old.has(name) && !same(old.get(name), item)).map(([name]) => name),
  }
}

const same = (a: unknown, b: unknown): boolean => fingerprint(a) === fingerprint(b)

/** Text that differs where values differ. Holds secrets: only to be compared. */
function fingerprint(value: unknown): string {
  if (value instanceof Secret) return JSON.stringify(['secret', value.reveal()])
  if (Array.isArray(value)) return `[${value.map(fingerprint).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${sorted.map(([key, item]) => `${JSON.stringify(key)}:${fingerprint(item)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'undefined'
}
