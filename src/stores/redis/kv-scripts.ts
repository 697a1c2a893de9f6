import { toScript } from './script.ts';

/**
 * Each script gets one key, `{prefix:namespace}`; a Cluster may keep each namespace on another node.
 *
 *     {prefix:namespace}:value:<key>   string   the value; Redis itself takes it away when its time is over
 *     {prefix:namespace}:keys          zset     every key, in the order of its bytes
 *     {prefix:namespace}:ends          zset     keys with an end, by that end
 *
 * Redis does not take away what an index says of an expired value. `sweep` does, a few with each change, so that an index is never
 * much larger than what it stands for, even if nobody lists.
 */
const KV = `
local root = KEYS[1]
local keys, ends = root .. ':keys', root .. ':ends'
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function value(key) return root .. ':value:' .. key end
local function forget(key)
  -- A replica may be asked for a list, and refuses this.
  redis.pcall('ZREM', keys, key)
  redis.pcall('ZREM', ends, key)
end
local function sweep()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 10)) do
    if redis.call('EXISTS', value(key)) == 0 then forget(key) end
  end
end
`;

/** key. */
export const GET = toScript('reading', `return redis.call('GET', KEYS[1] .. ':value:' .. ARGV[1])`);

/** key, value, milliseconds to live or ''. */
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

/** key. */
export const DELETE = toScript(
  'writing',
  `${KV}
redis.call('DEL', value(ARGV[1]))
forget(ARGV[1])
sweep()
return 1`,
);

/** Lower and upper bound as ZRANGEBYLEX has them, how many keys to look at. Gives the last key it looked at if there may be more, else ''; and those that are there. */
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
