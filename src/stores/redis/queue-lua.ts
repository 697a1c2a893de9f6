/**
 * Every script gets one key, `{prefix}`, and derives the others from it. They all have its hash
 * tag, so a Cluster stores them on one node.
 *
 * {prefix}:job:<id>      hash   all data of a job
 * {prefix}:due:<rule>    zset   waiting jobs of a rule, by the time at which they are due
 * {prefix}:held:<rule>   zset   running jobs of a rule, by the end of their lease
 * {prefix}:waiting       zset   waiting jobs of all rules, by id
 * {prefix}:running       zset   running jobs of all rules, by the end of their lease
 * {prefix}:dead          zset   dead jobs, by id
 * {prefix}:ticks         hash   the last tick of each schedule, and the schedule
 * {prefix}:pushed        channel
 *
 * Redis refuses a script that needs more memory than `maxmemory` only at its first write. So
 * scripts that add jobs begin with a write that needs memory, and scripts that end jobs begin with
 * a write that frees some. Accepted jobs can then still be processed when the memory is full.
 */
export const QUEUE = `
local root = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function job(id) return root .. ':job:' .. id end
local function due(rule) return root .. ':due:' .. rule end
local function held(rule) return root .. ':held:' .. rule end
local waiting, running, dead, ticks = root .. ':waiting', root .. ':running', root .. ':dead', root .. ':ticks'

-- Converts 'at' from the clock of the sender to the clock of Redis. Otherwise a job that is due
-- at once would wait for as long as the sender's clock is ahead, and a worker that is notified of
-- it would not find it. Up to a second of lateness counts as the time of travel.
local function toRedisTime(at, sentAt)
  local ahead = sentAt - now
  if ahead > 0 or ahead < -1000 then return at - ahead end
  return tonumber(at)
end

-- A restricted user may lack the right to the channel. The job is stored by now, and workers also
-- check for jobs without a notification.
local function notify() redis.pcall('PUBLISH', root .. ':pushed', '') end

local function await(id, rule, at)
  redis.call('ZADD', due(rule), at, id)
  redis.call('ZADD', waiting, 0, id)
  notify()
end

local function add(id, rule, at, payload)
  redis.call('HSET', job(id), 'state', 'waiting', 'rule', rule, 'payload', payload, 'due', at, 'pushed', now,
    'attempts', 0, 'failures', 0, 'vanished', 0, 'reason', '')
  await(id, rule, at)
end

local function leave(id, rule)
  redis.call('ZREM', due(rule), id)
  redis.call('ZREM', held(rule), id)
  redis.call('ZREM', waiting, id)
  redis.call('ZREM', running, id)
  redis.call('ZREM', dead, id)
end

local function hold(id, rule, leaseMs)
  redis.call('ZADD', held(rule), now + leaseMs, id)
  redis.call('ZADD', running, now + leaseMs, id)
end

-- The fields that toJob reads. Jobs of older versions have no field 'vanished'.
local function fields(id, ...)
  local found = redis.call('HMGET', job(id), 'rule', 'payload', 'due', 'attempts', 'failures', 'vanished', ...)
  found[6] = found[6] or 0
  table.insert(found, 1, id)
  return found
end

-- The rule of the job, or nil if the job no longer has this lease.
local function ruleOfLease(id, lease)
  local found = redis.call('HMGET', job(id), 'lease', 'rule')
  if found[1] == lease then return found[2] end
end
`;
