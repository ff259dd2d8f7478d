import { parseArgs } from 'node:util'
import { FakeDiscord } from './server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    limits: { type: 'string', default: 'unlimited' },
    json: { type: 'boolean', default: false },
    metrics: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const HELP = `A small Discord on this machine for trying the gateway without an account.

  npm run fake:discord -- [--port 0] [--limits unlimited|real-like] [--seed 1] [--metrics] [--json]

  --json      prints the addresses as one JSON line (for scripts)
  --metrics   prints requests, events and its own CPU use every 5 s`

if (values.help) {
  console.log(HELP)
} else {
  const fake = await FakeDiscord.start({
    port: Number(values.port),
    seed: Number(values.seed),
    profile: values.limits === 'real-like' ? 'real-like' : 'unlimited',
  })
  const { info, control } = fake
  if (values.json) console.log(JSON.stringify(info))
  else {
    console.log(`Fake Discord is running.

  API            ${info.apiUrl}
  bot token      ${info.token}
  place          discord/main/${info.guild}/${info.channel}
  a person       ${info.user} (Ann)

In the gateway's config:

  accounts:
    discord:
      main: { token: ${info.token}, apiUrl: ${info.apiUrl} }

Say something as Ann, and read the chat:

  curl -X POST ${info.controlUrl}/say -d '{"channel":"${info.channel}","user":"${info.user}","content":"hello"}'
  curl -X POST ${info.controlUrl}/visible -d '{"channel":"${info.channel}"}'

Break something (all methods: curl ${info.controlUrl}):

  curl -X POST ${info.controlUrl}/fault -d '{"method":"POST","route":"webhooks","times":3,"effect":{"kind":"response-lost"}}'
  curl -X POST ${info.controlUrl}/gateway -d '{"action":"reset"}'
  curl -X POST ${info.controlUrl}/violations

Ctrl-C ends it.`)
  }
  if (values.metrics) {
    setInterval(() => console.error(JSON.stringify(control.stats())), 5000).unref()
  }
  const stop = (): void => {
    fake.close().catch((error) => console.error(String(error)))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
