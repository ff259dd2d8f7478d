import type { Author } from '../../bridges/model/message.ts'
import type { Network, Place } from '../../bridges/model/place.ts'
import { language } from '../../rules/index.ts'
import { parsePlace } from '../config/places.ts'
import { ownerOf, type Told } from './alerting.ts'
import type { MarketIntent, Origin } from './model.ts'
import type { MarketParts } from './parts.ts'
import type { Step } from './step.ts'

/** Who was seen with a role is told of it for this long after. */
const ROLE_MS = 30 * 86_400_000
const REFRESH_MS = 7 * 86_400_000
/** People of one role who are told of one thing. */
const MAX_OF_ROLE = 200

/** Recipients of an `alert`, as rules name them. Empty: nobody of that name is known. */
export function recipientsOf(step: Step, recipient: string, entry: MarketIntent | undefined, origin: Origin): Told[] {
  const { parts } = step
  if (recipient === 'owner') {
    const told = entry === undefined ? undefined : ownerOf(parts, entry)
    return told === undefined ? [] : [told]
  }
  const colon = recipient.indexOf(':')
  const [kind, id] = [recipient.slice(0, colon), recipient.slice(colon + 1)]
  if (kind === 'user') return personAt(parts, id, origin.place)
  if (kind === 'role') return ofRole(step, id, origin.place)
  const there = parsePlace(id)
  if (typeof there === 'string') return []
  return [
    {
      person: `channel:${id}`,
      target: [{ kind: 'place', place: there }],
      via: { network: there.network, account: there.account },
      place: there,
    },
  ]
}

/** A person by author key, written to by the account that heard the message or by another one of that network. */
function personAt(parts: MarketParts, key: string, near: Place, account?: string): Told[] {
  const network = key.slice(0, key.indexOf(':')) as Network
  const speaker = account ?? (network === near.network ? near.account : parts.accountOf(network))
  if (speaker === undefined || network === 'p2p') return []
  const place = network === near.network ? near : { network, account: speaker, channel: key.slice(key.indexOf(':') + 1) }
  return [
    {
      person: parts.memory.personOf(key),
      target: [{ kind: 'person', authorKey: key }],
      via: { network, account: speaker },
      place,
    },
  ]
}

/** `admin` and `trader` are roles of the gateway; others are roles of a platform, held by whoever was seen with them. */
function ofRole({ parts, now }: Step, role: string, near: Place): Told[] {
  const { memory } = parts
  const named = memory.roles.get(role) ?? []
  const platform = [role, ...named].map((name) => name.replace(/^discord-role:/, ''))
  const seen = platform.flatMap((name) => memory.tags.of('role', name, now)).map(accountAndKey)
  const people = new Map<string, Told>()
  for (const [account, key] of [...named.map((n) => [undefined, n] as const), ...seen])
    for (const told of personAt(parts, key, near, account)) if (people.size < MAX_OF_ROLE) people.set(told.person, told)
  return [...people.values()]
}

const accountAndKey = (tag: string): readonly [string, string] => {
  const at = tag.indexOf(' ')
  return [tag.slice(0, at), tag.slice(at + 1)]
}

const named = new WeakMap<language.RuleSet, ReadonlySet<string>>()

/** Roles of platforms that a rule set alerts: only for those it is remembered who has them. */
export function rolesNamed(ruleSet: language.RuleSet, configured: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const known = named.get(ruleSet)
  if (known !== undefined) return known
  const roles = new Set<string>()
  for (const rule of ruleSet.rules)
    for (const action of rule.actions) {
      if (action.kind !== 'alert') continue
      for (const to of action.fields.to)
        if (to.startsWith('role:'))
          for (const r of [to.slice(5), ...(configured.get(to.slice(5)) ?? [])]) roles.add(r.replace(/^discord-role:/, ''))
    }
  named.set(ruleSet, roles)
  return roles
}

/** Somebody was seen with the roles they have, and without those they lost. */
export function noteRoles(step: Step, account: string, author: Pick<Author, 'key' | 'roles'>): void {
  const { parts, changes, now } = step
  const ruleSet = parts.ruleSet()
  if (ruleSet === null) return
  const roles = rolesNamed(ruleSet, parts.memory.roles)
  if (roles.size === 0) return
  const tag = `${account} ${author.key}`
  const noted: language.StateChange[] = []
  for (const role of roles) {
    const until = parts.memory.tags.until('role', role, tag, now)
    const has = author.roles?.includes(role) === true
    if (has && (until === undefined || until - now < ROLE_MS - REFRESH_MS))
      noted.push(language.tagChange('role', role, tag, now + ROLE_MS))
    else if (!has && until !== undefined) noted.push(language.tagChange('role', role, tag, 0))
  }
  parts.memory.remember(noted)
  changes.ruleState.push(...noted)
}
