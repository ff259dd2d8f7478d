import { statement } from '../db/sql/statement.ts'
import { GATEWAY } from '../reactions/store.ts'

/** Statements of the market; rows come as jsonb arrays of one shape each. */
export const SAVE_INTENTS = statement(
  'market_save_intents',
  `insert into k2.market_intent (intent_id, owner, platform, channel, kind, side, slug, k2_topic, status, confidence, revision,
     record, origin, consent, published, created_at, updated_at, expires_at)
   select intent_id, owner, platform, channel, kind, side, slug, k2_topic, status, confidence, revision, record, origin, consent,
     published, created_at, updated_at, expires_at
   from jsonb_to_recordset($1::jsonb) as x(intent_id text, owner text, platform text, channel text, kind text, side text,
     slug text, k2_topic text, status text, confidence real, revision int, record jsonb, origin jsonb, consent jsonb,
     published jsonb, created_at bigint, updated_at bigint, expires_at bigint)
   order by intent_id
   on conflict (intent_id) do update set owner = excluded.owner, kind = excluded.kind, side = excluded.side,
     slug = excluded.slug, k2_topic = excluded.k2_topic, status = excluded.status, confidence = excluded.confidence,
     revision = excluded.revision, record = excluded.record, origin = excluded.origin, consent = excluded.consent,
     published = excluded.published, updated_at = excluded.updated_at, expires_at = excluded.expires_at`,
)

export const SAVE_REVISIONS = statement(
  'market_save_revisions',
  `insert into k2.market_revision (intent_id, revision, slots, reason, at)
   select * from jsonb_to_recordset($1::jsonb) as x(intent_id text, revision int, slots jsonb, reason text, at bigint)
   on conflict do nothing`,
)

export const SAVE_SEARCHES = statement(
  'market_save_searches',
  `insert into k2.market_search (id, owner, words, query, reach, status, paused_until, hits, last_hit_at, created_at, expires_at)
   select * from jsonb_to_recordset($1::jsonb) as x(id text, owner text, words text, query jsonb, reach jsonb, status text,
     paused_until bigint, hits int, last_hit_at bigint, created_at bigint, expires_at bigint)
   order by id
   on conflict (id) do update set words = excluded.words, query = excluded.query, reach = excluded.reach,
     status = excluded.status, paused_until = excluded.paused_until, hits = excluded.hits, last_hit_at = excluded.last_hit_at,
     expires_at = excluded.expires_at`,
)
export const REMOVE_SEARCHES = statement('market_remove_searches', 'delete from k2.market_search where id = any($1::text[])')

export const SAVE_MATCHES = statement(
  'market_save_matches',
  `insert into k2.market_match (want_id, offer_id, score, parts, at)
   select want_id, offer_id, score, parts, at
   from jsonb_to_recordset($1::jsonb) as x(want_id text, offer_id text, score real, parts jsonb, at bigint)
   order by want_id, offer_id
   on conflict (want_id, offer_id) do update set score = excluded.score, parts = excluded.parts, at = excluded.at`,
)

export const SAVE_ALERTS = statement(
  'market_save_alerts',
  `insert into k2.market_alert (alert_id, recipient, intent_id, revision, causes, result, step, reason, record, digest, created_at)
   select * from jsonb_to_recordset($1::jsonb) as x(alert_id text, recipient text, intent_id text, revision int, causes jsonb,
     result text, step text, reason text, record jsonb, digest jsonb, created_at bigint)
   on conflict (alert_id) do nothing`,
)
export const TAKE_DIGESTS = statement(
  'market_take_digests',
  'update k2.market_alert set taken_at = $2::bigint where alert_id = any($1::text[])',
)

export const SAVE_NOTICES = statement(
  'market_save_notices',
  `insert into k2.market_notice (id, kind, target, notice, intent_id, state, due_at, created_at)
   select id, kind, target, notice, intent_id, 'waiting', due_at, $2::bigint
   from jsonb_to_recordset($1::jsonb) as x(id text, kind text, target jsonb, notice jsonb, intent_id text, due_at bigint)
   on conflict (id) do nothing`,
)
export const CANCEL_NOTICES = statement(
  'market_cancel_notices',
  `update k2.market_notice set state = 'cancelled' where intent_id = any($1::text[]) and state = 'waiting' and kind <> 'reply'`,
)

export const SAVE_PEOPLE = statement(
  'market_save_people',
  `insert into k2.market_person (person, settings, updated_at)
   select person, settings, $2::bigint from jsonb_to_recordset($1::jsonb) as x(person text, settings jsonb)
   order by person
   on conflict (person) do update set settings = excluded.settings, updated_at = excluded.updated_at`,
)
export const SAVE_CONSENTS = statement(
  'market_save_consents',
  `insert into k2.market_consent (person, place, shown, at)
   select * from jsonb_to_recordset($1::jsonb) as x(person text, place text, shown text, at bigint)
   on conflict (person, place) do nothing`,
)
export const SAVE_RULE_STATE = statement(
  'market_save_rule_state',
  `insert into k2.rule_state (kind, rule, key, value, expires_at)
   select * from jsonb_to_recordset($1::jsonb) as x(kind text, rule text, key text, value jsonb, expires_at bigint)
   order by kind, rule, key
   on conflict (kind, rule, key) do update set value = excluded.value, expires_at = excluded.expires_at`,
)
export const SAVE_TRACES = statement(
  'market_save_traces',
  `insert into k2.market_trace (message_id, class, trace, at)
   select * from jsonb_to_recordset($1::jsonb) as x(message_id text, class text, trace jsonb, at bigint)
   on conflict (message_id) do update set class = excluded.class, trace = excluded.trace, at = excluded.at`,
)
export const FORGET_TRACES = statement('market_forget_traces', 'delete from k2.market_trace where message_id = any($1::text[])')
/** Reactions of the gateway itself: its messages' copies are looked at soon. */
export const SAVE_REACTIONS = statement(
  'market_save_reactions',
  `with wanted as (
     select c.cid, x.key, x.name, x.due_at
     from jsonb_to_recordset($1::jsonb) as x(network text, scope text, channel text, native_id text, key text, name text, due_at bigint)
     join k2.copy c on c.network = x.network and c.scope = x.scope and c.channel = x.channel and c.native_id = x.native_id),
   noted as (
     insert into k2.reaction (cid, actor_key, emoji_key, emoji_name, network, channel, at)
     select cid, 'system:k2gw', key, name, '${GATEWAY}', '', due_at from wanted on conflict do nothing)
   insert into k2.reaction_due (cid, due_at) select cid, min(due_at) from wanted group by cid
   on conflict (cid) do update set due_at = excluded.due_at`,
)
export const SAVE_CURSOR = statement(
  'market_save_cursor',
  `insert into k2.market_reader (name, seq) values ('inbox', $1::bigint)
   on conflict (name) do update set seq = greatest(k2.market_reader.seq, excluded.seq)`,
)

/** A page of what is needed after a restart, each ordered by its key. */
export const LOAD_INTENTS = statement(
  'market_load_intents',
  `select record, origin, consent, published from k2.market_intent
   where intent_id > $1 and (status in ('draft', 'open', 'paused') or updated_at > $2::bigint) order by intent_id limit $3::int`,
)
export const LOAD_SEARCHES = statement(
  'market_load_searches',
  'select * from k2.market_search where id > $1 order by id limit $2::int',
)
export const LOAD_ALERTS = statement(
  'market_load_alerts',
  `select record, case when taken_at is null then digest end as digest from k2.market_alert
   where record is not null and (created_at > $1::bigint or (digest is not null and taken_at is null)) order by created_at`,
)
export const LOAD_PEOPLE = statement('market_load_people', 'select person, settings from k2.market_person')
export const LOAD_CONSENTS = statement('market_load_consents', 'select person, place, shown, at from k2.market_consent')
export const LOAD_RULE_STATE = statement(
  'market_load_rule_state',
  'select kind, rule, key, value, expires_at from k2.rule_state where expires_at > $1::bigint',
)
export const LOAD_PROFILES = statement('market_load_profiles', 'select place, mode from k2.market_profile')
export const LOAD_GRANTS = statement('market_load_grants', 'select account, role from k2.access_grant order by account')
export const LOAD_LINKS = statement('market_load_links', 'select account, person from k2.account_link')

/** Rows by their keys, for gateways that share the database. */
export const INTENTS_OF = statement(
  'market_intents_of',
  'select record, origin, consent, published from k2.market_intent where intent_id = any($1::text[])',
)
export const SEARCHES_OF = statement('market_searches_of', 'select * from k2.market_search where id = any($1::text[])')
export const PEOPLE_OF = statement(
  'market_people_of',
  'select person, settings from k2.market_person where person = any($1::text[])',
)
export const CONSENTS_OF = statement(
  'market_consents_of',
  'select person, place, shown, at from k2.market_consent where person = any($1::text[])',
)
export const ALERTS_OF = statement(
  'market_alerts_of',
  `select record, digest, taken_at is not null as taken from k2.market_alert
   where alert_id = any($1::text[]) and record is not null order by created_at`,
)
export const STATE_OF = statement(
  'market_state_of',
  `select s.kind, s.rule, s.key, s.value, s.expires_at from k2.rule_state s
   join jsonb_to_recordset($1::jsonb) as x(kind text, rule text, key text) on x.kind = s.kind and x.rule = s.rule and x.key = s.key`,
)

/** A trace stays while one ring has room for it: $1 per rule that fired, $2 per rule that nearly did or was held back, $3 others. */
export const TRIM_TRACES = statement(
  'market_trim_traces',
  `with held as (
     select t.message_id, t.at, e ->> 'id' as rule, e ->> 'result' in ('fired', 'dry_run') as fired
     from k2.market_trace t, jsonb_array_elements(t.trace -> 'fired') e
     union all
     select t.message_id, t.at, e ->> 'id', false
     from k2.market_trace t, jsonb_array_elements(t.trace -> 'passed') e where e ->> 'near' = 'true'
     union all
     select message_id, at, null, false from k2.market_trace where class = 'dull'
   ), ranked as (
     select message_id, row_number() over (partition by rule, fired order by at desc, message_id desc) as place,
       case when rule is null then $3::int when fired then $1::int else $2::int end as size
     from held
   )
   delete from k2.market_trace t
   where not exists (select 1 from ranked r where r.message_id = t.message_id and r.place <= r.size)`,
)

/** Retention: $1 oldest time kept (rules 17.1). */
export const PRUNE = [
  ['market_revision', 'delete from k2.market_revision where at < $1::bigint', 30],
  [
    'market_intent',
    `delete from k2.market_intent where updated_at < $1::bigint and expires_at < $1::bigint and status not in ('draft', 'open', 'paused')`,
    30,
  ],
  ['market_match', 'delete from k2.market_match where at < $1::bigint', 30],
  ['market_alert', 'delete from k2.market_alert where created_at < $1::bigint', 90],
  [`market_notice`, `delete from k2.market_notice where created_at < $1::bigint and state <> 'waiting'`, 30],
  ['market_trace', 'delete from k2.market_trace where at < $1::bigint', 7],
  ['model_answer', 'delete from k2.model_answer where at < $1::bigint', 7],
  ['market_feedback', 'delete from k2.market_feedback where at < $1::bigint', 365],
  ['market_talk', 'delete from k2.market_talk where last_at < $1::bigint', 90],
  ['rule_state', 'delete from k2.rule_state where expires_at < $1::bigint', 0],
] as const
