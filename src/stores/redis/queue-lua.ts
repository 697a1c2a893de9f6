/**
 * Every script gets one key, `{prefix}`, and makes the others from it: they all have its hash tag, so a Cluster keeps them on one node.
 *
 *     {prefix}:job:<id>      hash   all there is to know of a job
 *     {prefix}:due:<rule>    zset   waiting jobs of a rule, by when they are due
 *     {prefix}:held:<rule>   zset   running jobs of a rule, by the end of their lease
 *     {prefix}:waiting       zset   waiting jobs of all rules, by id
 *     {prefix}:running       zset   running jobs of all rules, by the end of their lease
 *     {prefix}:dead          zset   dead jobs, by id
 *     {prefix}:ticks         hash   the last tick of each schedule, and the schedule
 *     {prefix}:pushed        channel
 *
 * Redis refuses a script that would take more memory than there is only at its first write. So scripts that take jobs in begin
 * with a write that takes memory, and those that bring jobs to an end begin with one that frees some: what was accepted before can still be worked off.
 */
export const QUEUE = `
local root = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function job(id) return root .. ':job:' .. id end
local function due(rule) return root .. ':due:' .. rule end
local function held(rule) return root .. ':held:' .. rule end
local waiting, running, dead, ticks = root .. ':waiting', root .. ':running', root .. ':dead', root .. ':ticks'

-- What the clock of the sender calls 'at', by our clock. Else a job that is due at once would wait for as long as that clock is ahead, and those who
-- are told of it would find nothing. What it took on its way here is no difference between clocks.
local function ours(at, sentAt)
  local ahead = sentAt - now
  if ahead > 0 or ahead < -1000 then return at - ahead end
  return tonumber(at)
end

-- The user of a restricted login may lack the channel. The job is stored by now, and who waits looks by itself.
local function ring() redis.pcall('PUBLISH', root .. ':pushed', '') end

local function await(id, rule, at)
  redis.call('ZADD', due(rule), at, id)
  redis.call('ZADD', waiting, 0, id)
  ring()
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

-- What toJob reads. Jobs of versions before have no count of those that vanished.
local function fields(id, ...)
  local found = redis.call('HMGET', job(id), 'rule', 'payload', 'due', 'attempts', 'failures', 'vanished', ...)
  found[6] = found[6] or 0
  table.insert(found, 1, id)
  return found
end

-- The rule of the job, or nil when it is somebody else's by now.
local function ruleOfMine(id, lease)
  local found = redis.call('HMGET', job(id), 'lease', 'rule')
  if found[1] == lease then return found[2] end
end
`;
