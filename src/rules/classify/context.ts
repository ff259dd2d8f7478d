import type { Lexicon } from '../lexicon/compile.ts'
import type { Language, Span, TradeIntent } from '../model.ts'
import type { TextEntity } from '../text/model.ts'

/** What is read (rules specification 1.1): the parts of a message that say something about its meaning. */
export interface ReadingMessage {
  readonly id: string
  /** As written, platform markup kept. */
  readonly text: string
  /** Title of a forum post; it stands as a line of its own above the text, and spans count from its start. */
  readonly title?: string | undefined
  /** The platform's own tags of a post; each counts like a bracketed tag. */
  readonly tags?: readonly string[] | undefined
  /** Structure the platform has recognised; offsets into `text`, UTF-16. */
  readonly entities?: readonly TextEntity[] | undefined
  /** Forwarded by the platform's own mark. */
  readonly forwarded?: boolean | undefined
  /** ms since the epoch, UTC; deadlines in words ("by friday") are resolved from it. Absent: they stay words. */
  readonly sent_at?: number | undefined
}

/** Settings of the channel (9.5); all of it optional and neutral by default. */
export interface ReadingProfile {
  /** Language of texts that show none. */
  readonly language?: Language | undefined
  /** ISO code or ticker for amounts without one. */
  readonly currency?: string | undefined
  /** Slug for goods that name none. */
  readonly topic?: string | undefined
  /** −2 to +3 points per intent. */
  readonly prior?: Partial<Record<TradeIntent, number>> | undefined
  /** IANA zone for days and hours in words; UTC by default. */
  readonly timezone?: string | undefined
  readonly forwards?: 'ignore' | 'as_author' | undefined
}

export interface ReadingContext {
  readonly lexicon: Lexicon
  readonly profile?: ReadingProfile | undefined
}

/** Why the reading is what it is (11.5, the part before the rules). Spans point into the text as read. */
export type ReadingTrace = {
  readonly lexicon: string
  readonly text: {
    readonly lang: string
    readonly removed: readonly { readonly kind: string; readonly span: Span }[]
    readonly flags: readonly string[]
  }
  readonly evidence: readonly {
    readonly intent: string
    readonly points: number
    readonly family?: string
    readonly span?: Span
    readonly cue?: string
    readonly why?: string
  }[]
  readonly guards: readonly {
    readonly kind: string
    readonly points: number | 'veto'
    readonly scope: string
    readonly span: Span
    readonly applied: boolean
  }[]
  readonly price: {
    readonly candidates: readonly {
      readonly span: Span
      readonly value: string
      readonly role: string
      readonly chosen: boolean
    }[]
  }
  readonly decision: { readonly scores: Readonly<Record<string, number>>; readonly intent: string; readonly confidence: number }
  /** Look-up steps; bounded by MAX_STEPS. */
  readonly steps: number
}
