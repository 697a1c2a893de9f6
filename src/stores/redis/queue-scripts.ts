import { QUEUE } from './queue-lua.ts';
import { toScript } from './script.ts';

/**
 * ARGV: id, rule, due, payload, time of sending. A push that is sent twice finds its job and does
 * nothing.
 */
export const PUSH = toScript(
  'memory',
  `${QUEUE}
if redis.call('EXISTS', job(ARGV[1])) == 0 then add(ARGV[1], ARGV[2], toRedisTime(ARGV[3], ARGV[5]), ARGV[4]) end
return 1`,
);

/**
 * ARGV: lease, its length, number of lost leases, the lost leases, the rules. Only this script
 * detects that a lease has ended. A lease that ends later than its length from now was taken before
 * the clock was set back, and would last too long. Such leases end last, so it is enough to check
 * the last one. The job of a lost lease was never started, because the reply to its claim did not
 * arrive. It is returned first, and its attempt is already counted.
 */
export const CLAIM = toScript(
  'writing',
  `${QUEUE}
local lost = tonumber(ARGV[3])
local firstRule = 4 + lost

local function first()
  local best, bestRule, bestAt
  local function consider(id, rule, at)
    if not id or at > now then return end
    if not best or at < bestAt or (at == bestAt and id < best) then best, bestRule, bestAt = id, rule, at end
  end
  for n = firstRule, #ARGV do
    local rule = ARGV[n]
    local next = redis.call('ZRANGE', due(rule), 0, 0, 'WITHSCORES')
    consider(next[1], rule, tonumber(next[2]))
    next = redis.call('ZRANGE', held(rule), 0, 0, 'WITHSCORES')
    consider(next[1], rule, tonumber(next[2]))
    local last = redis.call('ZRANGE', held(rule), -1, -1, 'WITHSCORES')
    if last[1] and last[2] - now > tonumber(redis.call('HGET', job(last[1]), 'leaseMs') or 0) then consider(last[1], rule, 0) end
  end
  return best, bestRule
end

local function firstLost()
  local isLost = {}
  for n = 4, firstRule - 1 do isLost[ARGV[n]] = true end
  for n = firstRule, #ARGV do
    for _, id in ipairs(redis.call('ZRANGE', held(ARGV[n]), 0, -1)) do
      local lease = redis.call('HGET', job(id), 'lease')
      if lease and isLost[lease] then return id, ARGV[n] end
    end
  end
end

local function take(id, rule, attempts)
  leave(id, rule)
  if redis.call('EXISTS', job(id)) == 0 then return nil end
  -- The job of a lost lease was never started, so it did not vanish.
  if attempts > 0 and redis.call('HEXISTS', job(id), 'lease') == 1 then redis.call('HINCRBY', job(id), 'vanished', 1) end
  redis.call('HSET', job(id), 'state', 'running', 'lease', ARGV[1], 'leaseMs', ARGV[2])
  redis.call('HINCRBY', job(id), 'attempts', attempts)
  hold(id, rule, ARGV[2])
  return fields(id)
end

if lost > 0 then
  local id, rule = firstLost()
  if id then return take(id, rule, 0) end
end
local id, rule = first()
while id do
  local found = take(id, rule, 1)
  if found then return found end
  -- The hash of the job is gone, e.g. evicted: there is nothing to run.
  id, rule = first()
end
return false`,
);

/** ARGV: id, lease, its new length. */
export const EXTEND = toScript(
  'writing',
  `${QUEUE}
local rule = ruleOfLease(ARGV[1], ARGV[2])
if not rule then return 0 end
leave(ARGV[1], rule)
redis.call('HSET', job(ARGV[1]), 'leaseMs', ARGV[3])
hold(ARGV[1], rule, ARGV[3])
return 1`,
);

/** ARGV: id, lease. */
export const DONE = toScript(
  'writing',
  `${QUEUE}
local rule = ruleOfLease(ARGV[1], ARGV[2])
if not rule then return 0 end
leave(ARGV[1], rule)
redis.call('DEL', job(ARGV[1]))
return 1`,
);

/** ARGV: id, lease, due, time of sending, and the reason if it is a failure. */
export const AGAIN = toScript(
  'writing',
  `${QUEUE}
local rule = ruleOfLease(ARGV[1], ARGV[2])
if not rule then return 0 end
local at = toRedisTime(ARGV[3], ARGV[4])
leave(ARGV[1], rule)
redis.call('HDEL', job(ARGV[1]), 'lease', 'leaseMs')
redis.call('HSET', job(ARGV[1]), 'state', 'waiting', 'due', at)
if ARGV[5] then
  redis.call('HSET', job(ARGV[1]), 'reason', ARGV[5])
  redis.call('HINCRBY', job(ARGV[1]), 'failures', 1)
end
await(ARGV[1], rule, at)
return 1`,
);

/** ARGV: id, lease, reason. */
export const BURY = toScript(
  'writing',
  `${QUEUE}
local rule = ruleOfLease(ARGV[1], ARGV[2])
if not rule then return 0 end
leave(ARGV[1], rule)
redis.call('HDEL', job(ARGV[1]), 'lease', 'leaseMs')
redis.call('HSET', job(ARGV[1]), 'state', 'dead', 'reason', ARGV[3])
redis.call('HINCRBY', job(ARGV[1]), 'failures', 1)
redis.call('ZADD', dead, 0, ARGV[1])
return 1`,
);

/**
 * ARGV: rule, schedule, moment, id, payload. A stored moment that is over a minute ahead was sent
 * by a wrong clock. If it counted, the rule would not run until then.
 */
export const TICK = toScript(
  'memory',
  `${QUEUE}
local rule, schedule, at = ARGV[1], ARGV[2], tonumber(ARGV[3])
local lastAt, lastSchedule = string.match(redis.call('HGET', ticks, rule) or '', '^(%S+) (.*)$')
local isHeardOf = lastSchedule == schedule
lastAt = tonumber(lastAt)
if isHeardOf and at <= lastAt and lastAt <= now + 60000 then return 'known' end
redis.call('HSET', ticks, rule, ARGV[3] .. ' ' .. schedule)
if not isHeardOf then return 'first' end
if redis.call('EXISTS', due(rule), held(rule)) > 0 then return 'busy' end
add(ARGV[4], rule, now, ARGV[5])
return 'pushed'`,
);
