import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSources } from '../../../scripts/eval.ts'
import { Budget, type Field, PhraseGraph } from '../../../src/rules/lexicon/graph.ts'
import { graphParts, leafEntry } from '../../../src/rules/lexicon/graph-parts.ts'
import { Needs, PresentGroups } from '../../../src/rules/lexicon/needs.ts'
import { parsePhrase } from '../../../src/rules/lexicon/phrase.ts'
import { TextWords } from '../../../src/rules/lexicon/text-words.ts'
import { PhraseTrie } from '../../../src/rules/lexicon/trie.ts'
import { Vocabulary, VocabularyBuilder } from '../../../src/rules/lexicon/vocabulary.ts'
import { compilingLexicon, lexiconImage, readMessage, restoreLexicon } from '../../../src/rules/reading/index.ts'
import { segment } from '../../../src/rules/text/segments.ts'
import { tokenize } from '../../../src/rules/text/tokens.ts'

const WORDS = ['ab', 'cd', 'ef', 'gh', 'ij', 'klmno', 'klmnop', 'qr']
const COMMON = new Set(['ab', 'cd'])
const NOTHING: readonly [] = []

/** Phrases over few words, compiled with or without the groups of telling words. */
function compiled(phrases: readonly string[], pruned: boolean) {
  const builder = new VocabularyBuilder()
  const needs = pruned ? new Needs(builder, COMMON) : undefined
  const trie = new PhraseTrie(builder, () => 0, needs)
  for (const [i, phrase] of phrases.entries()) trie.add(parsePhrase(phrase), i)
  const patterns = new PhraseGraph(graphParts(trie, false, needs))
  const terms = new PhraseGraph(graphParts(new PhraseTrie(builder, () => 0), true))
  const vocabulary = new Vocabulary(builder.parts(), { languages: new Map(), typos: new Map(), terms, patterns })
  const present = new PresentGroups(needs?.count ?? 0)
  return (text: string): string[] => {
    const tokens = tokenize(text)
    segment(tokens)
    const infos = vocabulary.infos(tokens)
    const field: Field = { classesAt: () => NOTHING }
    const found: string[] = []
    const sink = {
      found: (leaf: number, start: number, end: number) => void found.push(`${leafEntry(leaf)} ${start}-${end}`),
    }
    const mark = present.take(infos)
    const words = new TextWords().take(tokens, infos, pruned)
    const search = {
      infos,
      field,
      budget: new Budget(100_000),
      sink,
      present: pruned ? present.marks : undefined,
      mark,
      words,
      start: 0,
    }
    for (const [i, info] of infos.entries()) patterns.matchAt(search, i, info.patternRoots)
    return found.sort()
  }
}

const word = fc.constantFrom(...WORDS)
const part = fc.oneof(
  { weight: 4, arbitrary: word },
  fc
    .array(
      fc.oneof(
        word,
        fc.tuple(word, word).map((w) => w.join(' ')),
      ),
      { minLength: 2, maxLength: 3 },
    )
    .map((o) => `(${o.join('|')})`),
  fc.array(word, { minLength: 1, maxLength: 2 }).map((o) => `(${o.join('|')}|)`),
  fc.constantFrom('{0,2}', '{1,3}', 'klmn*'),
)
const phrase = fc.tuple(word, fc.array(part, { maxLength: 4 })).map(([first, rest]) => [first, ...rest].join(' '))

describe('phrase graph', () => {
  it('finds what it finds without knowing which words a text has', () => {
    fc.assert(
      fc.property(
        fc.array(phrase, { minLength: 1, maxLength: 12 }),
        fc.array(fc.array(fc.oneof(word, fc.constantFrom('zz', ',', '.')), { maxLength: 14 }), { minLength: 1, maxLength: 4 }),
        (phrases, texts) => {
          const [all, few] = [compiled(phrases, false), compiled(phrases, true)]
          for (const text of texts) expect(few(text.join(' '))).toEqual(all(text.join(' ')))
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each([
    ['ab (cd|ef gh|) ij', 'ab ij . ab cd ij . ab ef gh ij', ['0 0-2', '0 3-6', '0 7-11']],
    ['(ab|) cd', 'ab cd', ['0 0-2', '0 1-2']],
    ['klmn* qr', 'klmnop qr klmno qr', ['0 0-2', '0 2-4']],
    ['ab {1,2} gh', 'ab gh . ab cd gh . ab cd ef gh', ['0 3-6', '0 7-11']],
    ['ab {0,3} gh', 'ab . gh', []],
  ])('%s in %s', (source, text, expected) => {
    expect(compiled([source], true)(text)).toEqual([...expected].sort())
  })

  it('refuses a phrase that begins with a gap', () => {
    expect(() => parsePhrase('{0,2} seats for')).toThrow('begins with a gap')
  })
})

describe('compiled lexicon', () => {
  it('is the same in steps and restored from its image', { timeout: 120_000 }, () => {
    const sources = readSources()
    const work = compilingLexicon(sources)
    let steps = 0
    let step = work.next()
    for (; step.done !== true; step = work.next()) steps++
    expect(steps).toBeGreaterThan(10)
    const [a, b] = [step.value, restoreLexicon(lexiconImage(sources))]
    expect(b.version).toBe(a.version)
    expect(b.termEntries).toEqual(a.termEntries)
    expect(b.patternEntries).toEqual(a.patternEntries)
    const texts = ['intents-dev', 'own-batch-7', 'own-batch-8'].flatMap(linesOf)
    expect(texts.length).toBeGreaterThan(500)
    for (const text of [...texts, 'seling my oldd bike', 'still available?'])
      expect(readMessage({ id: 'm', text }, { lexicon: b })).toEqual(readMessage({ id: 'm', text }, { lexicon: a }))
  })

  it('is not restored from anything else', () => {
    expect(() => restoreLexicon('{"format":0}')).toThrow('of another version')
    expect(() => restoreLexicon('{')).toThrow('not readable')
  })
})

/** Texts of a file of labelled lines. */
const linesOf = (name: string): string[] =>
  readFileSync(new URL(`../data/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => (JSON.parse(l) as { text: string }).text)
