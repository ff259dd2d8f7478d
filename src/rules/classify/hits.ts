import type { Lexicon, PatternEntry } from '../lexicon/compile.ts'
import type { Budget, Search, Sink } from '../lexicon/graph.ts'
import { leafAnchor, leafEnds, leafEntry, leafFolded } from '../lexicon/graph-parts.ts'
import type { CueRule, GuardRule } from '../lexicon/schema.ts'
import type { WordInfo } from '../lexicon/vocabulary.ts'
import { acceptsFolded, type Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { kindAt, tokenAt } from '../text/token-at.ts'

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

interface Range {
  readonly start: number
  readonly end: number
}

/** Takes the cues, guards and idioms found in a text that count there. */
class PatternSink implements Sink {
  readonly cues: CueHit[] = []
  readonly guards: GuardHit[] = []
  idioms: Range[] | undefined
  readonly #entries: readonly PatternEntry[]
  readonly #tokens: readonly Token[]
  readonly #tags: Tags
  readonly #patched: ReadonlySet<number> | undefined

  constructor(lexicon: Lexicon, tokens: readonly Token[], tags: Tags, patched: ReadonlySet<number> | undefined) {
    this.#entries = lexicon.patternEntries
    this.#tokens = tokens
    this.#tags = tags
    this.#patched = patched
  }

  found(leaf: number, start: number, end: number): void {
    if (end <= start) return
    const tokens = this.#tokens
    const { lang } = this.#tags
    const entry = this.#entries[leafEntry(leaf)] as PatternEntry
    if (leafFolded(leaf) && !acceptsFolded(entry.lang, lang)) return
    const anchor = leafAnchor(leaf)
    if (anchor !== 0 && !startsClause(tokens, this.#tags, start, anchor)) return
    if (leafEnds(leaf) && !endsClause(tokens, end)) return
    if (entry.kind === 'idiom') {
      this.idioms ??= []
      this.idioms.push({ start, end })
      return
    }
    const rule = entry.kind === 'cue' ? entry.cue : entry.guard
    if (rule.same_lang && entry.lang !== lang) return
    const patched = this.#patched
    if (entry.kind === 'cue') {
      if (entry.cue.upper && tokens[start]?.caps !== 2) return
      this.cues.push({ rule: entry.cue, label: entry.label, start, end, typo: patched?.has(start) ?? false })
      return
    }
    if (end - start === 1) {
      // Without its marks a single word is often another one: "bajo" is no "bajó".
      if (leafFolded(leaf)) return
      if (foreign(entry.lang, lang, tokens[start] as Token)) return
    }
    if (patched === undefined || !hasPatched(patched, start, end))
      this.guards.push({ rule: entry.guard, label: entry.label, start, end })
  }
}

/** Every cue and guard of the message; cues inside idioms and inside longer cues are gone. */
export function findPatterns(lexicon: Lexicon, tokens: readonly Token[], tags: Tags, budget: Budget): PatternHits {
  const { infos, patched } = repair(lexicon, tokens, tags.infos)
  const sink = new PatternSink(lexicon, tokens, tags, patched)
  const { cues, guards } = sink
  const { patterns, present } = lexicon
  const words = lexicon.words.take(tokens, infos)
  const mark = present.take(infos)
  const search: Search = { infos, words, field: tags, budget, sink, present: present.marks, mark, start: 0 }
  for (let i = 0; i < tokens.length && cues.length + guards.length < MAX_HITS; i++)
    if ((tokens[i] as Token).kind !== 'line') patterns.matchAt(search, i, (infos[i] as WordInfo).patternRoots)
  const { idioms } = sink
  if (cues.length === 0 && idioms === undefined) return { cues, guards }
  return {
    cues: longestCues(ownCues(cues, idioms, quotedRanges(tokens))),
    guards: idioms === undefined ? guards : guards.filter((g) => !idioms.some((d) => d.start <= g.start && g.end <= d.end)),
  }
}

/** Cues that are neither part of an idiom nor quoted. */
function ownCues(cues: CueHit[], idioms: readonly Range[] | undefined, quoted: readonly Range[] | undefined): CueHit[] {
  if (idioms === undefined && quoted === undefined) return cues
  return cues.filter(
    (c) =>
      !(idioms?.some((d) => d.start < c.end && d.end > c.start) ?? false) &&
      !(quoted?.some((q) => q.start < c.start && c.end <= q.end) ?? false),
  )
}

/** Words between quotation marks: somebody's, but not the author's own statement. An inch sign opens nothing. */
function quotedRanges(tokens: readonly Token[]): readonly Range[] | undefined {
  let out: Range[] | undefined
  let open = -1
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (token.kind !== 'op' || token.text !== '"') continue
    if (open < 0) {
      if (kindAt(tokens, i - 1) !== 'number' && tokens[i + 1]?.glued) open = i
    } else {
      if (i - open > 2) {
        out ??= []
        out.push({ start: open, end: i })
      }
      open = -1
    }
  }
  return out
}

/** A single plain word warns only in its own language: "short" means something else in each. */
const foreign = (own: string, text: string, token: Token): boolean =>
  own !== text && text !== 'und' && token.text.charCodeAt(0) < 128 && token.text === token.fold

interface Repaired {
  readonly infos: readonly WordInfo[]
  readonly patched: ReadonlySet<number> | undefined
}

/** Mistyped cue words put right; spans stay. */
function repair(lexicon: Lexicon, tokens: readonly Token[], known: readonly WordInfo[]): Repaired {
  let infos: WordInfo[] | undefined
  let patched: Set<number> | undefined
  for (let i = 0; i < known.length; i++) {
    const word = (known[i] as WordInfo).repaired
    if (word === undefined || kindAt(tokens, i) !== 'word') continue
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
  if (anchor === 2 && at > 0 && kindAt(tokens, at) === 'op') return false
  let i = at
  for (let guard = 0; guard < 16; guard++) {
    const previous = tokenAt(tokens, i - 1)
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
    next.clause !== tokenAt(tokens, at - 1)?.clause
  )
}

/** A cue inside a longer one says nothing of its own. */
function longestCues(cues: CueHit[]): CueHit[] {
  if (cues.length < 2) return cues
  const ordered = cues.slice()
  inOrder(ordered, longerFirst)
  const kept: CueHit[] = []
  for (let i = 0; i < ordered.length; i++) {
    const cue = ordered[i] as CueHit
    // "procuro alguém que faça …": "procuro" speaks for goods no more when what it begins lost against a longer cue.
    if (!coveredBy(kept, cue) && !begins(ordered, i)) kept.push(cue)
  }
  inOrder(kept, earlierFirst)
  return kept
}

function coveredBy(kept: readonly CueHit[], cue: CueHit): boolean {
  for (let i = 0; i < kept.length; i++) {
    const k = kept[i] as CueHit
    if (
      k.start < cue.end &&
      k.end > cue.start &&
      (k.start !== cue.start || k.end !== cue.end || k.rule.intent === cue.rule.intent)
    )
      return true
  }
  return false
}

const longerFirst = (a: CueHit, b: CueHit): number =>
  b.end - b.start - (a.end - a.start) ||
  a.start - b.start ||
  b.rule.strength - a.rule.strength ||
  demand(a) - demand(b) ||
  (a.label < b.label ? -1 : 1)
/** Of cues over the same words the one that asks least beside them is kept. */
const demand = ({ rule: { needs } }: CueHit): number => (needs === undefined ? 0 : needs === 'object' ? 1 : 2)
const earlierFirst = (a: CueHit, b: CueHit): number => a.start - b.start || b.rule.strength - a.rule.strength

const FEW_CUES = 12

/** Sorts in place, equal ones as they stood; few are moved one by one. */
function inOrder(list: CueHit[], compare: (a: CueHit, b: CueHit) => number): void {
  if (list.length > FEW_CUES) {
    list.sort(compare)
    return
  }
  for (let i = 1; i < list.length; i++) {
    const cue = list[i] as CueHit
    let k = i - 1
    for (; k >= 0 && compare(cue, list[k] as CueHit) < 0; k--) list[k + 1] = list[k] as CueHit
    list[k + 1] = cue
  }
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
