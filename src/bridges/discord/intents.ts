import type { GatewayIntentBits } from 'discord.js'

/**
 * Only what the bridge reads (bridging 4.2). `MessageContent` is privileged: without it the words of others arrive empty.
 * Who is typing is only heard where somebody wants to know. Joins come as system messages, so the privileged member intent is not needed.
 */
export function intentsFor(bits: typeof GatewayIntentBits, withTyping = false): number {
  return (
    bits.Guilds |
    bits.GuildMessages |
    bits.GuildMessageReactions |
    bits.GuildWebhooks |
    bits.DirectMessages |
    bits.DirectMessageReactions |
    bits.MessageContent |
    (withTyping ? bits.GuildMessageTyping | bits.DirectMessageTyping : 0)
  )
}
