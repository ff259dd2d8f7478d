/** What rules may know about a message: plain values, gathered before the rules run. */
export interface MessageFacts {
  readonly network: 'discord' | 'telegram' | 'p2p' | 'web'
  readonly text: string
  /** Link targets beyond those written out in the text (masked links, embeds). */
  readonly links: readonly string[]
  /** `${network}:${native id}`. */
  readonly authorKey: string
  readonly authorName?: string | undefined
  /** As the platform names them, and `admin` or `moderator`. */
  readonly roles?: readonly string[] | undefined
  readonly files?: readonly { readonly kind: string; readonly mime?: string | undefined; readonly size?: number | undefined }[]
  /** When it was written, ms. */
  readonly at?: number | undefined
  readonly isBot: boolean
  /** Only for K2 peers. */
  readonly senderClass?: 'verified' | 'hosted' | 'claimed' | undefined
}
