import { EVERYTHING, MOST_BANS, REPLACED_BANS } from '../../contract/cache-store.ts';
import { toScript } from './script.ts';

/**
 * Each script gets one key, `{prefix:/cache}`.
 *
 * {prefix:/cache}:entry:<key>   string   head and body of an entry; Redis itself removes it when it expires
 * {prefix:/cache}:lock:<key>    string   exists while the key is locked
 * {prefix:/cache}:bans          zset     tags, by the time of their last ban in microseconds. No two scripts add the same time
 * {prefix:/cache}:used          string   exists since the first entry was written
 * {prefix:/cache}:asked         string   the latest time of a writer of an entry, in microseconds
 * {prefix:/cache}:banned        channel; a message is '', or has bans (BanMessage)
 *
 * Times of bans are those of Redis. They never go back, also if its clock does: an entry that was
 * asked for by the earlier clock would outlive its purge.
 */
const CACHE = `
local root = KEYS[1]
local bans, used, asked = root .. ':bans', root .. ':used', root .. ':asked'
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function entry(key) return root .. ':entry:' .. key end
local function newest() return tonumber(redis.call('ZREVRANGE', bans, 0, 0, 'WITHSCORES')[2] or 0) end
-- A restricted user may lack the right to the channel. The bans are stored by now.
local function notify(message) redis.pcall('PUBLISH', root .. ':banned', message) end
-- Numbers are written in full: Lua writes large ones with an exponent.
local function text(number) return string.format('%.0f', number) end
local function page(since)
  local found = redis.call('ZRANGEBYSCORE', bans, '(' .. since, '+inf', 'WITHSCORES')
  return { text(now), text(newest()), redis.call('EXISTS', used), found }
end
`;

/** ARGV: key. */
export const READ = toScript(
  'reading',
  `${CACHE}
local value = redis.call('GET', entry(ARGV[1]))
return value and { value, text(newest()) }`,
);

/** ARGV: key, value, milliseconds to live, the time of the writer by the clock of Redis, in microseconds. */
export const WRITE = toScript(
  'memory',
  `${CACHE}
redis.call('SET', entry(ARGV[1]), ARGV[2], 'PX', ARGV[3])
if tonumber(ARGV[4]) > tonumber(redis.call('GET', asked) or 0) then redis.call('SET', asked, ARGV[4]) end
if redis.call('SET', used, 1, 'NX') then notify('') end
return text(now)`,
);

/** ARGV: keys. */
export const DELETE = toScript(
  'writing',
  `
local removed = 0
for index = 1, #ARGV do removed = removed + redis.call('DEL', KEYS[1] .. ':entry:' .. ARGV[index]) end
return removed`,
);

/** ARGV: key, milliseconds. */
export const LOCK = toScript(
  'memory',
  `return redis.call('SET', KEYS[1] .. ':lock:' .. ARGV[1], 1, 'NX', 'PX', ARGV[2]) and 1 or 0`,
);

/** Each process gets the message. More tags are read by those that need them. */
const MOST_TAGS_OF_MESSAGE = 100;

/** ARGV: the version that is known, tags. */
export const BAN = toScript(
  'memory',
  `${CACHE}
local since = newest()
local at = math.max(now, since + 1, tonumber(redis.call('GET', asked) or 0))
for index = 2, #ARGV do
  if ARGV[index] == '${EVERYTHING}' then redis.call('DEL', bans) end
end
for index = 2, #ARGV do redis.call('ZADD', bans, text(at), ARGV[index]) end
if redis.call('ZCARD', bans) > ${MOST_BANS} then
  local last = redis.call('ZRANGE', bans, ${REPLACED_BANS}, ${REPLACED_BANS}, 'WITHSCORES')[2]
  redis.call('ZREMRANGEBYSCORE', bans, '-inf', last)
  local everything = redis.call('ZSCORE', bans, '${EVERYTHING}')
  if not everything then redis.call('ZADD', bans, last, '${EVERYTHING}') end
end
local message = ''
if #ARGV <= ${MOST_TAGS_OF_MESSAGE} then
  message = cjson.encode({ now = text(now), since = text(since), at = text(at), tags = { unpack(ARGV, 2) } })
end
notify(message)
return page(ARGV[1])`,
);

/** ARGV: the version that is known. */
export const BANS = toScript('reading', `${CACHE}\nreturn page(ARGV[1])`);
