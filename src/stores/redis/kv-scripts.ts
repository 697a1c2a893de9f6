import { toScript } from './script.ts';

/**
 * Each script gets one key, `{prefix:namespace}`. A Cluster may store each namespace on another
 * node.
 *
 * {prefix:namespace}:value:<key>   string   the value; Redis itself removes it when it expires
 * {prefix:namespace}:keys          zset     every key, in the order of its bytes
 * {prefix:namespace}:ends          zset     keys that expire, by the time at which they expire
 *
 * Redis does not remove the index entries of an expired value. `sweep` removes a few with each
 * change, so an index is never much larger than the number of its values, even if `list` is never
 * called.
 */
const KV = `
local root = KEYS[1]
local keys, ends = root .. ':keys', root .. ':ends'
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function value(key) return root .. ':value:' .. key end
local function forget(key)
  -- A replica can run LIST, but it refuses these writes.
  redis.pcall('ZREM', keys, key)
  redis.pcall('ZREM', ends, key)
end
local function sweep()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 10)) do
    if redis.call('EXISTS', value(key)) == 0 then forget(key) end
  end
end
`;

/** ARGV: key. */
export const GET = toScript('reading', `return redis.call('GET', KEYS[1] .. ':value:' .. ARGV[1])`);

/** ARGV: key, value, milliseconds to live or ''. */
export const PUT = toScript(
  'memory',
  `${KV}
local key, ttl = ARGV[1], ARGV[3]
if ttl == '' then
  redis.call('SET', value(key), ARGV[2])
  redis.call('ZREM', ends, key)
else
  redis.call('SET', value(key), ARGV[2], 'PX', ttl)
  redis.call('ZADD', ends, now + ttl, key)
end
redis.call('ZADD', keys, 0, key)
sweep()
return 1`,
);

/** ARGV: key. */
export const DELETE = toScript(
  'writing',
  `${KV}
redis.call('DEL', value(ARGV[1]))
forget(ARGV[1])
sweep()
return 1`,
);

/**
 * ARGV: lower and upper bound in the syntax of ZRANGEBYLEX, number of keys to read. Returns 1 if
 * there may be more keys, the last key that was read or '', and the keys whose values exist.
 */
export const LIST = toScript(
  'reading',
  `${KV}
local found = redis.call('ZRANGEBYLEX', keys, ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local present = {}
for _, key in ipairs(found) do
  if redis.call('EXISTS', value(key)) == 1 then table.insert(present, key) else forget(key) end
end
return { #found == tonumber(ARGV[3]) and 1 or 0, found[#found] or '', present }`,
);
