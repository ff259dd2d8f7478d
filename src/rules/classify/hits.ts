import type { Lexicon, PatternEntry } from '../lexicon/compile.ts'
import type { Budget, Field, Sink } from '../lexicon/graph.ts'
import type { CueRule, GuardRule } from '../lexicon/schema.ts'
import type { WordInfo } from '../lexicon/vocabulary.ts'
import { acceptsFolded, type Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'

/** A cue phrase over tokens [start, end). */
export interface CueHit {
  readonly rule: CueRule
  readonly label: string
  readonly start: number
  readonly end: number
  readonly typo: boolean
}
export interface GuardHit {
  readonly rule: GuardRule
  readonly label: string
  readonly start: number
  readonly end: number
}
export interface PatternHits {
  readonly cues: readonly CueHit[]
  readonly guards: readonly GuardHit[]
}

const MAX_HITS = 256

/** Every cue and guard of the message; cues inside idioms and inside longer cues are gone. */
export function findPatterns(lexicon: Lexicon, tokens: readonly Token[], tags: Tags, budget: Budget): PatternHits {
  const cues: CueHit[] = []
  const guards: GuardHit[] = []
  const idioms: { start: number; end: number }[] = []
  const { infos, patched } = repair(lexicon, tokens, tags.infos)
  const field: Field = patched === undefined ? tags : { tokens, infos, classesAt: (i) => tags.classesAt(i) }
  const found: Sink['found'] = (leaf, start, end) => {
    if (end <= start) return
    const entry = lexicon.patternEntries[leaf.entry] as PatternEntry
    if (leaf.folded && !acceptsFolded(entry.lang, tags.lang)) return
    if (leaf.anchor !== 0 && !startsClause(tokens, tags, start, leaf.anchor)) return
    if (leaf.end && !endsClause(tokens, end)) return
    if (entry.kind === 'idiom') {
      idioms.push({ start, end })
      return
    }
    const rule = entry.kind === 'cue' ? entry.cue : entry.guard
    if (rule.same_lang && entry.lang !== tags.lang) return
    // Without its marks a single word is often another one: "bajo" is no "bajó".
    if (entry.kind === 'guard' && leaf.folded && end - start === 1) return
    if (entry.kind === 'guard' && end - start === 1 && foreign(entry.lang, tags.lang, tokens[start] as Token)) return
    if (entry.kind === 'cue') {
      if (entry.cue.upper && tokens[start]?.caps !== 2) return
      cues.push({ rule: entry.cue, label: entry.label, start, end, typo: patched?.has(start) ?? false })
    } else if (patched === undefined || !hasPatched(patched, start, end))
      guards.push({ rule: entry.guard, label: entry.label, start, end })
  }
  const sink: Sink = { found }
  const mark = lexicon.present.take(infos)
  for (let i = 0; i < tokens.length && cues.length + guards.length < MAX_HITS; i++)
    if (tokens[i]?.kind !== 'line')
      lexicon.patterns.matchAt(field, i, (infos[i] as WordInfo).patternRoots, budget, sink, lexicon.present.marks, mark)
  if (cues.length === 0 && idioms.length === 0) return { cues, guards }
  const quoted = quotedRanges(tokens)
  const own = cues.filter(
    (c) => !idioms.some((d) => d.start < c.end && d.end > c.start) && !quoted.some(([from, to]) => from < c.start && c.end <= to),
  )
  return { cues: longestCues(own), guards: guards.filter((g) => !idioms.some((d) => d.start <= g.start && g.end <= d.end)) }
}

/** Words between quotation marks: somebody's, but not the author's own statement. An inch sign opens nothing. */
function quotedRanges(tokens: readonly Token[]): [number, number][] {
  const out: [number, number][] = []
  let open = -1
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (token.text !== '"') continue
    if (open < 0) {
      if (tokens[i - 1]?.kind !== 'number' && tokens[i + 1]?.glued) open = i
    } else {
      if (i - open > 2) out.push([open, i])
      open = -1
    }
  }
  return out
}

/** A single plain word warns only in its own language: "short" means something else in each. */
const foreign = (own: string, text: string, token: Token): boolean =>
  own !== text && text !== 'und' && token.text.charCodeAt(0) < 128 && token.text === token.fold

/** Mistyped cue words put right; spans stay. */
function repair(
  lexicon: Lexicon,
  tokens: readonly Token[],
  known: readonly WordInfo[],
): { infos: readonly WordInfo[]; patched: ReadonlySet<number> | undefined } {
  let infos: WordInfo[] | undefined
  let patched: Set<number> | undefined
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i]?.kind === 'word' ? known[i]?.repaired : undefined
    if (word === undefined) continue
    infos ??= [...known]
    patched ??= new Set()
    infos[i] = lexicon.vocabulary.infoOf(word)
    patched.add(i)
  }
  return { infos: infos ?? known, patched }
}

function hasPatched(patched: ReadonlySet<number>, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (patched.has(i)) return true
  return false
}

/** Start of the message (2) or of a clause (1), greetings and fillers aside. */
export function startsClause(tokens: readonly Token[], tags: Tags, at: number, anchor: 1 | 2): boolean {
  // A sign opens a message only where nothing stands before it: "hi!" is no command.
  if (anchor === 2 && at > 0 && tokens[at]?.kind === 'op') return false
  let i = at
  for (let guard = 0; guard < 16; guard++) {
    const previous = tokens[i - 1]
    if (previous === undefined) return true
    if (
      anchor === 1 &&
      (previous.clause !== tokens[i]?.clause || previous.kind === 'op' || previous.kind === 'line' || previous.kind === 'emoji')
    )
      return true
    if (previous.kind === 'op' || previous.kind === 'emoji' || previous.kind === 'line' || previous.kind === 'mark') {
      i--
      continue
    }
    const filler = tags.endingAt(i).find((h) => h.name === 'opener')
    if (filler === undefined) return false
    i = filler.start
  }
  return false
}

function endsClause(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at]
  return (
    next === undefined ||
    next.kind === 'op' ||
    next.kind === 'line' ||
    next.kind === 'emoji' ||
    next.clause !== tokens[at - 1]?.clause
  )
}

/** A cue inside a longer one says nothing of its own. */
function longestCues(cues: CueHit[]): CueHit[] {
  if (cues.length < 2) return cues
  const ordered = cues.toSorted(
    (a, b) =>
      b.end - b.start - (a.end - a.start) ||
      a.start - b.start ||
      b.rule.strength - a.rule.strength ||
      (a.label < b.label ? -1 : 1),
  )
  const kept: CueHit[] = []
  for (const [i, cue] of ordered.entries()) {
    const covered = kept.some(
      (k) =>
        k.start < cue.end &&
        k.end > cue.start &&
        (k.start !== cue.start || k.end !== cue.end || k.rule.intent === cue.rule.intent),
    )
    // "procuro alguém que faça …": "procuro" speaks for goods no more when what it begins lost against a longer cue.
    if (!covered && !begins(ordered, i)) kept.push(cue)
  }
  return kept.sort((a, b) => a.start - b.start || b.rule.strength - a.rule.strength)
}

/** A longer cue with the same first word says something else. */
function begins(ordered: readonly CueHit[], i: number): boolean {
  const cue = ordered[i] as CueHit
  for (let k = 0; k < i; k++) {
    const longer = ordered[k] as CueHit
    if (longer.start === cue.start && longer.end > cue.end && longer.rule.intent !== cue.rule.intent) return true
  }
  return false
}
