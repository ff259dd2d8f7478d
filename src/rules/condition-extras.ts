import type { MessageFacts } from './facts.ts'
import { compilePattern, type SafePattern } from './language/regex.ts'
import { fold, type PreparedFacts } from './prepared-facts.ts'
import type { Condition } from './schema.ts'

/** The rarer parts of a condition, prepared; most conditions have none. */
export type PreparedExtras = readonly ((facts: PreparedFacts) => boolean)[]

/** On Discord's own address only this path invites; on Telegram's, everything but single messages does. */
const INVITE_PATH =
  /\b(?:discord(?:app)?\.com\/invite\/|(?:t|telegram)\.me\/(?:\+|joinchat\/|[A-Za-z]\w{3,31}(?!\/\d)\b)|discord\.gg\/|dsc\.gg\/|chat\.whatsapp\.com\/)/iu
const LETTER = /\p{L}/u
/** Letters looked at to find a text's script. */
const SCRIPT_SAMPLE = 400

export function prepareExtras(when: Condition): PreparedExtras | undefined {
  const checks: ((facts: PreparedFacts) => boolean)[] = []
  const add = <T>(value: T | undefined, check: (value: T) => (facts: PreparedFacts) => boolean): void => {
    if (value !== undefined) checks.push(check(value))
  }
  const files = (p: PreparedFacts) => p.facts.files ?? []
  add(when.authorName, (names) => {
    const folded = names.map(fold)
    return ({ facts }) => folded.some((name) => fold(facts.authorName ?? '').includes(name))
  })
  add(when.role, (roles) => {
    const wanted = new Set(roles)
    return ({ facts }) => (facts.roles ?? []).some((role) => wanted.has(role))
  })
  add(when.textMatches, (source) => matches(compilePattern(source), (facts) => facts.text))
  add(when.nameMatches, (source) => matches(compilePattern(source), (facts) => facts.authorName ?? ''))
  add(
    when.minLength,
    (least) =>
      ({ facts }) =>
        facts.text.length >= least,
  )
  add(
    when.maxLength,
    (most) =>
      ({ facts }) =>
        facts.text.length <= most,
  )
  add(when.script, (scripts) => {
    const tests = scripts.map((script) => new RegExp(`\\p{Script=${script}}`, 'u'))
    return ({ facts }) => tests.some((test) => isMostly(facts.text, test))
  })
  add(when.hasLink, (wanted) => (p) => wanted === p.hosts().length > 0)
  add(when.hasInvite, (wanted) => (p) => wanted === hasInvite(p))
  add(when.attachment, (kinds) => {
    const wanted: ReadonlySet<string> = new Set(kinds)
    return (p) => files(p).some((file) => wanted.has(file.kind))
  })
  add(when.attachmentType, (types) => {
    const wanted = types.map((type) => type.toLowerCase())
    return (p) => files(p).some((file) => wanted.some((type) => (file.mime ?? '').toLowerCase().startsWith(type)))
  })
  add(when.minAttachmentBytes, (least) => (p) => files(p).some((file) => (file.size ?? 0) >= least))
  add(when.minAttachments, (least) => (p) => files(p).length >= least)
  add(
    when.hours,
    ({ from, to, zone }) =>
      ({ facts }) =>
        facts.at !== undefined && within(timeOfDay(facts.at, zone), from, to),
  )
  return checks.length === 0 ? undefined : checks
}

export function extrasHold(checks: PreparedExtras, facts: PreparedFacts): boolean {
  return checks.every((check) => check(facts))
}

export function hasInvite(p: PreparedFacts): boolean {
  if (INVITE_PATH.test(p.facts.text)) return true
  return p.facts.links.some((link) => INVITE_PATH.test(link)) || p.hosts().some((h) => h === 'discord.gg' || h === 'dsc.gg')
}

function matches(pattern: SafePattern, textOf: (facts: MessageFacts) => string): (facts: PreparedFacts) => boolean {
  return ({ facts }) => {
    const text = textOf(facts)
    return pattern.find(text, text.toLowerCase()) !== null
  }
}

function isMostly(text: string, script: RegExp): boolean {
  let letters = 0
  let fitting = 0
  for (const char of text) {
    if (!LETTER.test(char)) continue
    letters++
    if (script.test(char)) fitting++
    if (letters >= SCRIPT_SAMPLE) break
  }
  return letters > 0 && fitting * 2 > letters
}

const clocks = new Map<string, Intl.DateTimeFormat>()
/** Zones come from the configuration: few. */
function timeOfDay(ms: number, zone = 'UTC'): string {
  let clock = clocks.get(zone)
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    clocks.set(zone, clock)
  }
  return clock.format(ms)
}

function within(time: string, from: string, to: string): boolean {
  return from <= to ? time >= from && time < to : time >= from || time < to
}
