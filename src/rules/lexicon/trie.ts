import { foldWord } from '../text/chars.ts'
import type { Token } from '../text/model.ts'
import { type Atom, mapWords, type Part, type Phrase } from './phrase.ts'
import type { Vocabulary, WordInfo } from './vocabulary.ts'

/** What a completed phrase stands for. */
export interface Leaf {
  readonly entry: number
  readonly anchor: 0 | 1 | 2
  readonly end: boolean
  /** Typed without marks: counts only when the text's language allows it. */
  readonly folded: boolean
}

type Targets = Node | Node[]
interface Gap {
  readonly min: number
  readonly max: number
  readonly node: Node
}
interface Node {
  words: Map<number, Targets> | undefined
  prefixes: Map<number, Targets> | undefined
  classes: Map<number, Targets> | undefined
  gaps: Gap[] | undefined
  /** Reached without a token: an alternative left out. */
  skips: Node[] | undefined
  leaves: Leaf[] | undefined
  /** Parts already wired from here, by their writing. */
  shared: Map<string, Node> | undefined
}

const node = (): Node => ({
  words: undefined,
  prefixes: undefined,
  classes: undefined,
  gaps: undefined,
  skips: undefined,
  leaves: undefined,
  shared: undefined,
})

/** A class hit: its class and exclusive end token. */
export interface ClassHit {
  readonly cls: number
  readonly end: number
}
export type Found = (leaf: Leaf, start: number, end: number) => void

/** What a look-up runs over: tokens, what is known of their forms, and the class hits that begin at each. */
export interface Field {
  readonly tokens: readonly Token[]
  readonly infos: readonly WordInfo[]
  classesAt(i: number): readonly ClassHit[]
}

/** Steps a message may cost in all tries together; dense adversarial text ends here. */
export class Budget {
  left: number
  constructor(steps: number) {
    this.left = steps
  }
}

/** Phrases of all languages in one graph of tokens; alternatives lead to a common continuation. */
export class PhraseTrie {
  readonly #root = node()
  readonly #vocabulary: Vocabulary
  readonly #classId: (name: string) => number
  readonly #plurals: boolean

  /** `plurals`: a word of the text also matches without a final s or es. */
  constructor(vocabulary: Vocabulary, classId: (name: string) => number, plurals: boolean) {
    this.#vocabulary = vocabulary
    this.#classId = classId
    this.#plurals = plurals
  }

  add(phrase: Phrase, entry: number): void {
    this.#insert(phrase.parts, { entry, anchor: phrase.anchor, end: phrase.end, folded: false })
    let changed = false
    const folded = mapWords(phrase, (text) => {
      const fold = foldWord(text)
      changed ||= fold !== text
      return fold
    })
    if (changed) this.#insert(folded.parts, { entry, anchor: phrase.anchor, end: phrase.end, folded: true })
  }

  #insert(parts: readonly Part[], leaf: Leaf): void {
    let at = this.#root
    for (const part of parts) at = this.#part(at, part)
    at.leaves ??= []
    at.leaves.push(leaf)
  }

  #part(from: Node, part: Part): Node {
    const key = keyOf(part)
    from.shared ??= new Map()
    const known = from.shared.get(key)
    if (known !== undefined) return known
    const next = node()
    from.shared.set(key, next)
    for (const option of part) {
      let at = from
      option.forEach((atom, i) => {
        const to = i === option.length - 1 ? next : node()
        this.#wire(at, atom, to)
        at = to
      })
      if (option.length === 0) {
        from.skips ??= []
        from.skips.push(next)
      }
    }
    return next
  }

  #wire(from: Node, atom: Atom, to: Node): void {
    switch (atom.kind) {
      case 'word':
        from.words ??= new Map()
        put(from.words, this.#vocabulary.word(atom.text), to)
        return
      case 'prefix':
        from.prefixes ??= new Map()
        put(from.prefixes, this.#vocabulary.prefix(atom.text), to)
        return
      case 'class':
        from.classes ??= new Map()
        put(from.classes, this.#classId(atom.name), to)
        return
      case 'gap':
        from.gaps ??= []
        from.gaps.push({ min: atom.min, max: atom.max, node: to })
    }
  }

  /** Reports every phrase that begins at token `start`. Gaps stay within a sentence. */
  matchAt(field: Field, start: number, budget: Budget, found: Found): void {
    if (this.#begins(field, start)) this.#walk(this.#root, field, start, start, budget, found)
  }

  /** Whether any phrase may begin here: most tokens of chat begin none. */
  #begins(field: Field, i: number): boolean {
    const { words, prefixes, classes } = this.#root
    const info = field.infos[i] as WordInfo
    if (words?.has(info.id)) return true
    if (this.#plurals) for (const id of info.singulars) if (words?.has(id)) return true
    if (prefixes !== undefined) for (const id of info.prefixes) if (prefixes.has(id)) return true
    if (classes !== undefined) for (const hit of field.classesAt(i)) if (classes.has(hit.cls)) return true
    return this.#root.gaps !== undefined || this.#root.skips !== undefined
  }

  #walk(at: Node, field: Field, start: number, i: number, budget: Budget, found: Found): void {
    if (budget.left <= 0) return
    budget.left--
    if (at.leaves !== undefined) for (const leaf of at.leaves) found(leaf, start, i)
    if (at.skips !== undefined) for (const next of at.skips) this.#walk(next, field, start, i, budget, found)
    const info = field.infos[i]
    if (info === undefined) return
    if (at.words !== undefined) {
      const exact = info.id >= 0 ? at.words.get(info.id) : undefined
      if (exact !== undefined) this.#go(exact, field, start, i + 1, budget, found)
      else if (this.#plurals) {
        for (const id of info.singulars) {
          const next = at.words.get(id)
          if (next !== undefined) this.#go(next, field, start, i + 1, budget, found)
        }
      }
    }
    if (at.prefixes !== undefined) {
      for (const id of info.prefixes) {
        const next = at.prefixes.get(id)
        if (next !== undefined) this.#go(next, field, start, i + 1, budget, found)
      }
    }
    if (at.classes !== undefined) {
      const hits = field.classesAt(i)
      for (let k = 0; k < hits.length; k++) {
        const hit = hits[k] as ClassHit
        const next = at.classes.get(hit.cls)
        if (next !== undefined && !repeated(hits, k)) this.#go(next, field, start, hit.end, budget, found)
      }
    }
    if (at.gaps !== undefined) for (const gap of at.gaps) this.#gap(gap, field, start, i, budget, found)
  }

  #go(next: Targets, field: Field, start: number, i: number, budget: Budget, found: Found): void {
    if (Array.isArray(next)) for (const n of next) this.#walk(n, field, start, i, budget, found)
    else this.#walk(next, field, start, i, budget, found)
  }

  #gap(gap: Gap, field: Field, start: number, i: number, budget: Budget, found: Found): void {
    const sentence = field.tokens[i]?.sentence
    for (let k = 0; k <= gap.max; k++) {
      const token = field.tokens[i + k]
      if (token === undefined || token.sentence !== sentence || token.kind === 'line') return
      if (k >= gap.min) this.#walk(gap.node, field, start, i + k, budget, found)
      if (token.kind === 'op' && token.text === ',') return
    }
  }
}

function put(into: Map<number, Targets>, key: number, to: Node): void {
  const known = into.get(key)
  if (known === undefined) into.set(key, to)
  else if (Array.isArray(known)) known.push(to)
  else into.set(key, [known, to])
}

/** The same class over the same tokens was listed before. */
function repeated(hits: readonly ClassHit[], k: number): boolean {
  const hit = hits[k] as ClassHit
  for (let j = 0; j < k; j++) if (hits[j]?.cls === hit.cls && hits[j]?.end === hit.end) return true
  return false
}

const keyOf = (part: Part): string =>
  part
    .map((o) =>
      o
        .map((a) => (a.kind === 'gap' ? `{${a.min},${a.max}}` : a.kind === 'class' ? `<${a.name}>` : `${a.kind[0]}${a.text}`))
        .join(' '),
    )
    .join('|')
