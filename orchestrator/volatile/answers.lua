-- The second layer of the cache of answers. KEYS: the tenant's prefix. ARGV: the verb, then what it takes.
-- Every name begins with the tenant's prefix and its generation: clearing is a new generation. The index over
-- all tenants knows when each entry ends and what it takes, so that the whole never outgrows its bound.

local tenant, verb = KEYS[1], ARGV[1]
local generations, counts = tenant .. ':generation', tenant .. ':counts'
local index, sizes, total = 'orchestrator:cache:ends', 'orchestrator:cache:sizes', 'orchestrator:cache:bytes'
local kept_known = 30 * 24 * 3600
local now = tonumber(redis.call('TIME')[1])

local function generation(fresh)
  redis.call('SET', generations, fresh, 'NX')
  redis.call('EXPIRE', generations, kept_known)
  return redis.call('GET', generations)
end

local function count(field, by)
  redis.call('HSETNX', counts, 'since', now)
  redis.call('HINCRBY', counts, field, by)
  redis.call('EXPIRE', counts, kept_known)
end

local function drop(name)
  local size = redis.call('HGET', sizes, name)
  if size then
    redis.call('DECRBY', total, size)
    redis.call('HDEL', sizes, name)
  end
  redis.call('ZREM', index, name)
  redis.call('DEL', name)
end

local function used()
  return tonumber(redis.call('GET', total) or '0')
end

if verb == 'look' then -- hash, generation held in the first layer, fresh generation
  local current = generation(ARGV[4])
  if ARGV[3] == current then
    count('hits_first', 1)
    return {'first', current, '', 0}
  end
  local name = tenant .. ':' .. current .. ':' .. ARGV[2]
  local found = redis.call('GET', name)
  if found then
    count('hits_second', 1)
    return {'second', current, found, math.max(0, redis.call('TTL', name))}
  end
  count('misses', 1)
  return {'none', current, '', 0}
end

if verb == 'keep' then -- hash, fresh generation, value, seconds, most bytes of all tenants
  local current = generation(ARGV[3])
  local name = tenant .. ':' .. current .. ':' .. ARGV[2]
  local size, most = #ARGV[4] + 4 * #name, tonumber(ARGV[6])
  for _, ended in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, 500)) do drop(ended) end
  drop(name)
  for _ = 1, 1000 do
    if used() + size <= most then break end
    local first = redis.call('ZRANGE', index, 0, 0)[1]
    if not first then break end
    drop(first)
  end
  if used() + size > most then return {'full', current} end
  redis.call('SET', name, ARGV[4], 'EX', ARGV[5])
  redis.call('ZADD', index, now + tonumber(ARGV[5]), name)
  redis.call('HSET', sizes, name, size)
  redis.call('INCRBY', total, size)
  count('kept', 1)
  return {'kept', current}
end

if verb == 'count' then -- field, number, and so on
  for at = 2, #ARGV, 2 do count(ARGV[at], ARGV[at + 1]) end
  return {}
end

if verb == 'clear' then -- fresh generation
  redis.call('SET', generations, ARGV[2], 'EX', kept_known)
  return {}
end

return redis.call('HGETALL', counts) -- stats
