import type { Origin } from './model.ts'

/** Address of the message an intent was written in, where its platform has one. */
export function linkTo({ place, ref }: Origin): string | undefined {
  if (ref === undefined) return undefined
  if (place.network === 'discord' && place.space !== undefined)
    return `https://discord.com/channels/${place.space}/${place.thread ?? place.channel}/${ref.id}`
  if (place.network === 'telegram' && place.channel.startsWith('-100'))
    return `https://t.me/c/${place.channel.slice(4)}/${place.thread === undefined ? '' : `${place.thread}/`}${ref.id}`
  return undefined
}
