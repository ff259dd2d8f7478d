import { type CliContext, EXIT, type GlobalOptions, print } from './context.ts'
import { printEvents } from './messages.ts'
import { withNode } from './with-node.ts'

/** Prints a topic's messages; with a running gateway through it, otherwise with a node of its own for the while. */
export async function topicFollow(context: CliContext, options: GlobalOptions, topic: string): Promise<number> {
  await withNode(context, options, { topic }, (node) => printEvents(context, options, node.follow({ topic }, context.signal)))
  return EXIT.ok
}

export async function topicSend(
  context: CliContext,
  options: GlobalOptions,
  topic: string,
  text: string,
  name: string,
): Promise<number> {
  await withNode(context, options, { topic }, async (node) => {
    const sent = await node.sendToTopic(topic, text, name)
    print(context, options, sent, () => `sent to ${topic} (${sent.messageIds.map((id) => id.slice(0, 10)).join(', ')})`)
  })
  return EXIT.ok
}
