import { parseArgs } from 'node:util'
import { FakeTelegram } from './server.ts'

const USAGE = `A fake Telegram Bot API on loopback.

  npm run fake:telegram -- [--port 8081] [--limits unlimited|real-like] [--token 123:abc] [--chat=-1001] [--privacy] [--metrics]

Prints one JSON line {url, token, botId, chatId, userId}. Control: POST <url>/__fake/<call> with a JSON array of arguments,
e.g. curl -d '[-1002000000001, 5000000001, "hello"]' <url>/__fake/post; an unknown call lists all of them.`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      limits: { type: 'string', default: 'unlimited' },
      token: { type: 'string' },
      chat: { type: 'string' },
      seed: { type: 'string', default: '1' },
      privacy: { type: 'boolean', default: false },
      metrics: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || (values.limits !== 'unlimited' && values.limits !== 'real-like')) {
    console.log(USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const fake = await new FakeTelegram({ port: Number(values.port), limits: values.limits, seed: Number(values.seed) }).start()
  const { control } = fake
  const bot = control.addBot({ privacy: values.privacy, ...(values.token === undefined ? {} : { token: values.token }) })
  const userId = control.addUser({ firstName: 'Ada', lastName: 'Fake', username: 'ada' })
  const chatId = control.addChat({
    title: 'Fake group',
    members: [bot.id, userId],
    ...(values.chat === undefined ? {} : { id: Number(values.chat) }),
  })
  console.log(JSON.stringify({ url: fake.url, token: bot.token, botId: bot.id, chatId, userId }))
  if (values.metrics) setInterval(() => console.error(JSON.stringify(control.stats())), 5000).unref()
  const stop = (): void => void fake.stop().then(() => process.exit(0))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

await main()
