// swift-format-ignore-file
// Written by `make builtin` from pipelines/ and alerts/detections/, so that the program works without; a test holds them together.

/// The text of the pipelines and rules that obs comes with.
enum BuiltinTexts {
    static let pipelines: [(name: String, text: String)] = [
        (
            "ssh",
            ##"""
            # Logins and attacks in the log of sshd (docs/pipelines/ssh.md). Built in: a pipeline of this name in a file under `pipelines:` of obs.yaml takes its place.
            name: ssh
            format: sshd
            commit_interval: 5s
            allowed_lateness: 1m
            steps:
              # What other programs write into the same file, without its numbers and names: gold.ssh_templates has each template once. The
              # text itself stays in bronze.
              - templates: { column: message, as: template_id, text: template, table: ssh_templates, drop: true }
            silver: { formats: [delta] }          # delta is always written; add jsonl or csv
            gold: { formats: [delta] }
            windows:
              - table: ssh_by_source
                length: 5m
                by: source
                aggregates:
                  - { name: events, function: sum, column: count }
                  - { name: attempts, function: sum, column: count, where: 'outcome!=""' }
                  - { name: failures, function: sum, column: count, where: 'outcome="failure"' }
                  - { name: abandoned, function: sum, column: count, where: 'outcome="abandoned"' }
                  - { name: refused, function: sum, column: count, where: 'outcome="refused"' }
                  - { name: successes, function: sum, column: count, where: 'outcome="success"' }
                  - { name: invalid_users, function: sum, column: count, where: 'event="invalid_user"' }
                  - { name: root_failures, function: sum, column: count, where: 'outcome="failure", user="root"' }
                  - { name: distinct_users, function: distinct, column: user }
                  - { name: distinct_hosts, function: distinct, column: host }
                  - { name: distinct_ports, function: distinct, column: port }
              - table: ssh_by_user
                length: 5m
                by: user
                aggregates:
                  - { name: attempts, function: sum, column: count, where: 'outcome!=""' }
                  - { name: failures, function: sum, column: count, where: 'outcome="failure"' }
                  - { name: abandoned, function: sum, column: count, where: 'outcome="abandoned"' }
                  - { name: refused, function: sum, column: count, where: 'outcome="refused"' }
                  - { name: successes, function: sum, column: count, where: 'outcome="success"' }
                  - { name: distinct_sources, function: distinct, column: source }
                  - { name: distinct_hosts, function: distinct, column: host }
              - table: ssh_by_host
                length: 5m
                by: host
                aggregates:
                  - { name: events, function: sum, column: count }
                  - { name: failures, function: sum, column: count, where: 'outcome="failure"' }
                  - { name: abandoned, function: sum, column: count, where: 'outcome="abandoned"' }
                  - { name: refused, function: sum, column: count, where: 'outcome="refused"' }
                  - { name: successes, function: sum, column: count, where: 'outcome="success"' }
                  - { name: invalid_users, function: sum, column: count, where: 'event="invalid_user"' }
                  - { name: distinct_sources, function: distinct, column: source }
                  - { name: distinct_users, function: distinct, column: user }

            """##
        ),
        (
            "rail",
            ##"""
            # A fleet of rail vehicles: five domains every five minutes, joined per vehicle (docs/pipelines/rail.md).
            # Try it: obs simulate rail --for 24h --out rail, obs model train --simulated rail, then
            #   obs process --pipeline rail telemetry=rail/telemetry.jsonl usage=rail/usage.jsonl maintenance=rail/maintenance.jsonl energy=rail/energy.jsonl weather=rail/weather.jsonl
            name: rail
            commit_interval: 5s
            allowed_lateness: 10m
            idle_after: 10m

            inputs:
              - name: telemetry
                table: rail_telemetry
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: vehicle, type: text, required: true }
                  - { name: zone, type: text, required: true }
                  - { name: speed_kmh, type: double }
                  - { name: vibration, type: double }
                  - { name: temp_c, type: double }
                  - { name: fault_flags, type: int64 }
                steps:
                  - expect: { name: speed_possible, range: { column: speed_kmh, from: 0, to: 350 }, action: drop }
                  - expect: { name: vehicle_named, matches: { column: vehicle, pattern: 'RV-[0-9]{3,6}' }, action: drop }
                  - expect: { name: vibration_measured, not_null: vibration, action: warn }
              - name: usage
                table: rail_usage
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: vehicle, type: text, required: true }
                  - { name: trips, type: int64 }
                  - { name: load_t, type: double }
                  - { name: engine_min, type: double }
                steps:
                  - expect: { name: load_possible, range: { column: load_t, from: 0, to: 400 }, action: drop }
              - name: maintenance
                table: rail_maintenance
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: vehicle, type: text, required: true }
                  - { name: zone, type: text, required: true }
                  - { name: tasks, type: int64 }
                  - { name: cost, type: double }
                  - { name: delay_min, type: double }
                  - { name: breakdown, type: bool }
                steps:
                  - expect: { name: cost_not_negative, range: { column: cost, from: 0 }, action: drop }
              - name: energy
                table: rail_energy
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: vehicle, type: text, required: true }
                  - { name: kwh, type: double }
                  - { name: cost, type: double }
                steps:
                  - expect: { name: energy_not_negative, range: { column: kwh, from: 0 }, action: drop }
              - name: weather
                table: rail_weather
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: zone, type: text, required: true }
                  - { name: temp_c, type: double }
                  - { name: rain_mm, type: double }
                  - { name: wind_ms, type: double }
                steps:
                  - expect: { name: temperature_possible, range: { column: temp_c, from: -50, to: 60 }, action: warn }

            streams:
              # One row a vehicle and five minutes with all that is known of it. The reports of one step come within a minute of each other.
              - name: vehicles
                from: telemetry
                steps:
                  - join: { with: usage, on: vehicle, within: 2m, before: 2m }
                  - join: { with: energy, on: vehicle, within: 2m, before: 2m }
                  - join: { with: weather, on: zone, within: 0s, before: 299s, kind: left }
                  - score: { model: rail-fault-risk, column: fault_risk }
                  - select: [event_time, vehicle, zone, speed_kmh, vibration, temp_c, fault_flags, usage_trips, usage_load_t, usage_engine_min, energy_kwh, energy_cost, weather_temp_c, weather_rain_mm, fault_risk]
                table: rail_vehicles
              # Energy efficiency over time: what an hour of driving costs in energy.
              - name: efficiency
                from: rail_energy_hours
                steps:
                  - compute: 'kwh_per_engine_hour = if(engine_min > 0, kwh * 60 / engine_min, null)'
                  - compute: 'cost_per_trip = if(trips > 0, energy_cost / trips, null)'
                table: rail_energy_efficiency
              - name: works
                from: maintenance
                steps:
                  - compute: 'has_tasks = tasks > 0'
                  - compute: 'delayed_tasks = if(delay_min >= 30, tasks, 0)'
              # Maintenance delay risk by zone: the share of work that was late by half an hour or more.
              - name: delay_risk
                from: rail_maintenance_hours
                steps:
                  - compute: 'delay_risk = if(tasks > 0, delayed / tasks, 0.0)'
                table: rail_delay_risk
              # What somebody has to look at; alerts/detections/rail.yml reads from these.
              - name: risk_alarms
                from: rail_fault_risk
                steps:
                  - compute: 'is_at_risk = fault_risk >= 0.7'
                  - where: 'is_at_risk="true"'
                table: rail_risk_alarms
              - name: delay_alarms
                from: delay_risk
                steps:
                  - compute: 'is_behind = delay_risk >= 0.5 and tasks >= 3'
                  - where: 'is_behind="true"'
                table: rail_delay_alarms

            windows:
              - table: rail_fault_risk
                from: vehicles
                length: 15m
                by: [vehicle]
                aggregates:
                  - { name: readings, function: count }
                  - { name: fault_risk, function: max, column: fault_risk }
                  - { name: mean_risk, function: mean, column: fault_risk }
                  - { name: vibration, function: max, column: vibration }
                  - { name: temp_c, function: max, column: temp_c }
                  - { name: fault_readings, function: count, where: 'fault_flags!="0"' }
                  - { name: zone, function: last, column: zone }
              - table: rail_energy_hours
                from: vehicles
                length: 1h
                by: [zone]
                aggregates:
                  - { name: kwh, function: sum, column: energy_kwh }
                  - { name: energy_cost, function: sum, column: energy_cost }
                  - { name: engine_min, function: sum, column: usage_engine_min }
                  - { name: trips, function: sum, column: usage_trips }
                  - { name: load_t, function: mean, column: usage_load_t }
                  - { name: vehicles, function: distinct, column: vehicle }
              - table: rail_maintenance_hours
                from: works
                length: 1h
                by: [zone]
                aggregates:
                  - { name: tasks, function: sum, column: tasks }
                  - { name: delayed, function: sum, column: delayed_tasks }
                  - { name: delay_min, function: mean, column: delay_min, where: 'has_tasks="true"' }
                  - { name: delay_p95, function: quantile, column: delay_min, share: 0.95, where: 'has_tasks="true"' }
                  - { name: cost, function: sum, column: cost }
                  - { name: breakdowns, function: count, where: 'breakdown="true"' }

            """##
        ),
        (
            "shop",
            ##"""
            # An online shop: users, products, orders and items, page views and stars (docs/pipelines/shop.md).
            # Try it: obs simulate shop --for 24h --out shop, then in that folder
            #   obs process --pipeline shop views=views.jsonl stars=stars.jsonl users=users.jsonl products=products orders=shop.db#orders items=shop.db#items
            name: shop
            commit_interval: 5s
            allowed_lateness: 2m

            inputs:
              - name: views
                table: shop_views
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: view_id, type: int64 }
                  - { name: user_id, type: int64, required: true }
                  - { name: method, type: text, required: true }
                  - { name: path, type: text }
                  - { name: product_id, type: text }
                  - { name: status, type: int32 }
                  - { name: latency_ms, type: double }
                steps:
                  - expect: { name: method_known, in_set: { column: method, values: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS] }, action: drop }
                  - expect: { name: latency_possible, range: { column: latency_ms, from: 0, to: 600000 }, action: drop }
                  - expect: { name: view_once, unique_in_window: { columns: [view_id], within: 10m }, action: warn }
              - name: stars
                table: shop_stars
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: user_id, type: int64, required: true }
                  - { name: product_id, type: text, required: true }
                  - { name: stars, type: int32, required: true }
                steps:
                  - expect: { name: stars_possible, range: { column: stars, from: 1, to: 5 }, action: drop }
              - name: orders
                table: shop_orders
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: order_id, type: int64, required: true }
                  - { name: user_id, type: int64, required: true }
                  - { name: total, type: double }
                  - { name: state, type: text }
                steps:
                  - expect: { name: total_not_negative, range: { column: total, from: 0 }, action: warn }
              - name: items
                table: shop_items
                format: json
                columns:
                  - { name: event_time, type: timestamp, path: ts }
                  - { name: item_id, type: int64, required: true }
                  - { name: order_id, type: int64, required: true }
                  - { name: product_id, type: text, required: true }
                  - { name: quantity, type: int64 }
                  - { name: price, type: double }
                steps:
                  - deduplicate: [item_id]
                  - compute: 'amount = quantity * price'
              # Users and products come once and seldom change: they have no time of their own.
              - name: users
                table: shop_users
                format: json
                columns:
                  - { name: user_id, type: int64, required: true }
                  - { name: name, type: text }
                  - { name: country, type: text }
                  - { name: since, type: date }
              - name: products
                table: shop_products
                format: json
                columns:
                  - { name: product_id, type: text, required: true }
                  - { name: name, type: text }
                  - { name: kind, type: text }
                  - { name: price, type: double }
                steps:
                  - expect: { name: price_possible, range: { column: price, from: 0.01, to: 100000 }, action: warn }

            streams:
              # Requests that made somebody wait, with who that was.
              - name: slow
                from: views
                steps:
                  - compute: 'is_slow = latency_ms >= 500'
                  - where: 'is_slow="true"'
                  - lookup: { file: users.jsonl, on: user_id, columns: [name, country], kind: left }
                  - select: [event_time, view_id, user_id, name, country, method, path, status, latency_ms]
                table: shop_slow_views
              # Who is in vip.json, which is read again when it changes.
              - name: vip
                from: views
                steps:
                  - lookup: { file: vip.json, on: user_id, columns: [tier], kind: inner }
                  - select: [event_time, view_id, user_id, tier, method, path, status, latency_ms]
                table: shop_vip_access
              # Fewer than three stars, and a page viewed within ten minutes of giving them.
              - name: disappointed
                from: stars
                steps:
                  - compute: 'is_poor = stars < 3'
                  - where: 'is_poor="true"'
                  - join: { with: views, on: user_id, within: 10m, before: 10m, prefix: view_ }
                  - select: [event_time, user_id, product_id, stars, view_event_time, view_path, view_product_id]
                table: shop_disappointed
              # Clients that fetch more pages in five minutes than a person reads; user 0 is nobody who has logged in.
              - name: scrapers
                from: shop_clients
                steps:
                  - compute: 'is_scraper = views >= 300'
                  - where: 'is_scraper="true"'
                table: shop_scrapers

            windows:
              - table: shop_views_by_method
                from: views
                length: 5m
                by: [method]
                aggregates:
                  - { name: views, function: count }
                  - { name: users, function: distinct, column: user_id }
                  - { name: errors, function: count, where: 'status=~"5.."' }
                  - { name: latency_ms, function: mean, column: latency_ms }
                  - { name: latency_p95_ms, function: quantile, column: latency_ms, share: 0.95 }
              - table: shop_clients
                from: views
                length: 5m
                by: [user_id]
                aggregates:
                  - { name: views, function: count }
                  - { name: products, function: distinct, column: product_id }
              - table: shop_product_stars
                from: stars
                length: 1h
                by: [product_id]
                aggregates:
                  - { name: given, function: count }
                  - { name: stars, function: mean, column: stars }
                  - { name: worst, function: min, column: stars }
              - table: shop_orders_by_product
                from: items
                length: 1d
                by: [product_id]
                aggregates:
                  - { name: orders, function: distinct, column: order_id }
                  - { name: quantity, function: sum, column: quantity }
                  - { name: revenue, function: sum, column: amount }

            """##
        ),
        (
            "events",
            ##"""
            # Taxi trips that a producer replays from a CSV file (docs/pipelines/events.md).
            # Try it: obs simulate events --for 24h --late 0.01 --out-of-order 0.05 --out trips.csv, then obs process --pipeline events trips.csv
            name: events
            commit_interval: 5s
            allowed_lateness: 2m
            inputs:
              - name: trips
                table: events_trips
                format: csv
                columns:
                  - { name: event_time, type: timestamp }
                  - { name: trip_id, type: text, required: true }
                  - { name: zone, type: text, required: true }
                  - { name: payment, type: text }
                  - { name: distance_km, type: double }
                  - { name: fare, type: double }
                steps:
                  - expect: { name: fare_possible, range: { column: fare, from: 0, to: 1000 }, action: drop }
                  - expect: { name: distance_possible, range: { column: distance_km, from: 0, to: 500 }, action: drop }
                  - expect: { name: payment_known, in_set: { column: payment, values: [card, cash] }, action: warn }
                  - deduplicate: [trip_id]
                  - compute: 'fare_per_km = if(distance_km > 0, fare / distance_km, null)'
            streams:
              - name: dear
                from: trips
                steps:
                  - compute: 'is_dear = fare_per_km > 12 and distance_km > 1'
                  - where: 'is_dear="true"'
                  - select: [event_time, trip_id, zone, distance_km, fare, fare_per_km]
                table: events_dear_trips
              # Zones that ask for several times as many trips as is usual at the busiest hour.
              - name: surges
                from: events_by_zone
                steps:
                  - compute: 'is_surge = trips >= 350'
                  - where: 'is_surge="true"'
                table: events_surges
            windows:
              - table: events_by_zone
                from: trips
                length: 5m
                by: [zone]
                aggregates:
                  - { name: trips, function: count }
                  - { name: fare, function: sum, column: fare }
                  - { name: distance_km, function: mean, column: distance_km }
                  - { name: fare_per_km_p95, function: quantile, column: fare_per_km, share: 0.95 }
                  - { name: card_trips, function: count, where: 'payment="card"' }
              - table: events_demand
                from: trips
                length: 15m
                slide: 5m
                aggregates:
                  - { name: trips, function: count }
                  - { name: trips_per_second, function: rate }
                  - { name: busiest, function: top_k, column: zone, k: 3 }

            """##
        ),
        (
            "self",
            ##"""
            # obs's own log, and the logs of other pipelines: stage durations, error bursts, stalls (docs/pipelines/self.md).
            # Try it: obs simulate self --for 6h --out logs, then obs process --pipeline self obs=logs/obs.jsonl jobs=logs/spark.log
            name: self
            commit_interval: 5s
            allowed_lateness: 1m
            inputs:
              - name: obs
                table: self_obs
                format: obs
                steps:
                  - expect: { name: level_known, in_set: { column: level, values: [trace, debug, info, notice, warning, error, critical] }, action: warn }
                  - expect: { name: duration_possible, range: { column: duration_ms, from: 0, to: 86400000 }, action: warn }
              # Spark, Hadoop and whatever else writes as Log4j does.
              - name: jobs
                table: self_jobs
                format: log4j
                steps:
                  - expect: { name: trace_bounded, range: { column: line_count, from: 1, to: 1000 }, action: warn }
                  # What each message says without its numbers and names; gold.self_job_templates has each template once (obs query templates).
                  - templates: { column: message, as: template_id, text: template, table: self_job_templates }
            streams:
              - name: errors
                from: obs
                steps:
                  - where: 'level=~"error|critical"'
                  - select: [event_time, level, logger, pipeline, stage, message, error]
                table: self_errors
              - name: failures
                from: jobs
                steps:
                  - where: 'level=~"error|critical"'
                  - select: [event_time, level, logger, stage, message, exception, file, offset]
                table: self_job_failures
              - name: slow_stages
                from: self_job_stages
                steps:
                  - compute: 'is_slow = duration_p95_ms >= 5000'
                  - where: 'is_slow="true"'
                table: self_slow_stages
              # A session that has ended was followed by two minutes of silence.
              - name: stalls
                from: self_job_sessions
                steps:
                  - compute: 'was_at_work = lines >= 20'
                  - where: 'was_at_work="true"'
                table: self_stalls
            windows:
              - table: self_stage_durations
                from: obs
                length: 5m
                by: [pipeline, stage]
                where: 'duration_ms!=""'
                aggregates:
                  - { name: runs, function: count }
                  - { name: rows, function: sum, column: rows }
                  - { name: duration_ms, function: mean, column: duration_ms }
                  - { name: duration_p95_ms, function: quantile, column: duration_ms, share: 0.95 }
              - table: self_error_counts
                from: obs
                length: 5m
                by: [level]
                aggregates:
                  - { name: lines, function: count }
                  - { name: errors, function: count, where: 'level=~"error|critical"' }
              - table: self_job_stages
                from: jobs
                length: 5m
                by: [logger]
                where: 'duration_ms!=""'
                aggregates:
                  - { name: tasks, function: count }
                  - { name: stages, function: distinct, column: stage }
                  - { name: duration_ms, function: mean, column: duration_ms }
                  - { name: duration_p95_ms, function: quantile, column: duration_ms, share: 0.95 }
                  - { name: slowest, function: max, column: duration_ms }
              # A job that says nothing for two minutes has stalled or ended: a session is the time between two silences.
              - table: self_job_sessions
                from: jobs
                gap: 2m
                by: [file]
                aggregates:
                  - { name: lines, function: count }
                  - { name: failures, function: count, where: 'level=~"error|critical"' }
                  - { name: exceptions, function: top_k, column: exception, k: 3 }

            """##
        ),
    ]

    static let detections: [(name: String, text: String)] = [
        (
            "ssh",
            ##"""
            # Attacks on sshd. Built in: a rule of the same name in a file under `detections:` of obs.yaml takes the place of one. Each has a page in runbooks/; docs/rules.md
            # says what the keys mean, docs/detection.md what these rules find and how often they are wrong.
            #
            # They count outcomes of attempts (docs/formats.md), not messages: on a host that takes keys only nothing "fails", a client that guesses just leaves.
            #
            # Where the thresholds come from: a person is asked three times per connection and rarely opens a third one, so six failures are two full connections, and ten
            # in five minutes are no person. A stranger who knocks as every host on the internet is knocked at tries one to three times and goes: twenty attempts of one
            # address within a week are a guesser who takes his time. A job whose key was changed fails a dozen times, always as the same user, until somebody mends it.
            #
            # Known: the exception `seen` leaves out networks (/24, /64) from which the same user, or for rules about many users anybody, has logged in within thirty days: owners
            # mistype, offices stand behind one address. A log-in counts for that ten minutes later, and one without a key not at all (`unless`) where six attempts, as that user or for
            # rules about many users as anybody, had failed there before it without a pause of half a day: so an intruder gets in, and that must excuse nothing that he does.
            # A key cannot be guessed: a job whose key was changed fails for hours, then logs in.

            # Guessing by one address.
            - name: SSHBruteForce
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "Brute force from {source} against {host}"
              description: "{count} attempts to log in from {source} on {host} within five minutes, none of which succeeded."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: &known_user
                - { seen: 'outcome="success", method="publickey"', by: [user, net(source)], within: 30d }
                - seen: 'outcome="success"'
                  by: [user, net(source)]
                  within: 30d
                  unless: { match: 'outcome=~"failure|abandoned|refused", stage="authentication"', by: [user, net(source)], count: 6, within: 12h }
              group_by: [source, host]
              within: 5m
              count: 10
            # A fleet is tried host by host: too few attempts on each, and too many for a stranger who knocks.
            - name: SSHBruteForceManyHosts
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source} guesses on {distinct} hosts"
              description: "{count} attempts to log in from {source} on {distinct} hosts within an hour, none of which succeeded."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_user
              group_by: [source]
              within: 1h
              count: 10
              distinct: { column: host, count: 2 }
            - name: SSHBruteForceSlow
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source} keeps guessing, slowly"
              description: "{count} attempts to log in from {source} on all hosts within seven days, none of which succeeded."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_user
              group_by: [source]
              within: 7d
              count: 20
            # Names that do not exist: somebody reads a list. People mistype their name once or twice, and three alike.
            - name: SSHUserEnumeration
              pipeline: ssh
              severity: warning
              labels: { tactic: reconnaissance, technique: T1589.001 }
              title: "{source} tries names of users: {distinct} that do not exist"
              description: "{source} named {distinct} users that do not exist, in {count} connections within an hour."
              match: 'event="invalid_user"'
              except: &known_network
                - { seen: 'outcome="success", method="publickey"', by: [net(source)], within: 30d }
                - seen: 'outcome="success"'
                  by: [net(source)]
                  within: 30d
                  unless: { match: 'outcome=~"failure|abandoned|refused", stage="authentication"', by: [net(source)], count: 6, within: 12h }
              group_by: [source]
              within: 1h
              distinct: { column: user, count: 8 }
            # One password, many users. Behind one address of an office several people may mistype in an hour, which is why known networks are left out.
            - name: SSHPasswordSpray
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.003 }
              title: "Password spray from {source}: {distinct} users"
              description: "{source} tried to log in as {distinct} users, in {count} attempts within an hour."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_network
              group_by: [source]
              within: 1h
              distinct: { column: user, count: 6 }
            - name: SSHPasswordSpraySlow
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.003 }
              title: "Slow password spray from {source}: {distinct} users"
              description: "{source} tried to log in as {distinct} users, in {count} attempts within seven days."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_network
              group_by: [source]
              within: 7d
              distinct: { column: user, count: 8 }

            # Guessing by many addresses, each of which tries a few times. A name is tried by a dozen strangers a day.
            - name: SSHDistributedBruteForce
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{distinct} addresses try to log in as {user}"
              description: "{distinct} addresses tried to log in as {user}, in {count} attempts within an hour."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_user
              group_by: [user]
              within: 1h
              distinct: { column: source, count: 20 }
            - name: SSHDistributedBruteForceSlow
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{distinct} addresses try to log in as {user}, slowly"
              description: "{distinct} addresses tried to log in as {user}, in {count} attempts within a day."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_user
              group_by: [user]
              within: 24h
              distinct: { column: source, count: 60 }
            # Each address counts once. A host in a network that is scanned much has its own usual number of strangers, and what is five times of it is not usual.
            - name: SSHDistributedSpray
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.003 }
              title: "{distinct} addresses try to log in on {host}"
              description: "{distinct} addresses tried to log in on {host} within an hour, each with a few of {count} attempts."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_network
              group_by: [host]
              within: 1h
              distinct: { column: source, count: 100 }
            - name: SSHDistributedSprayUnusual
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.003 }
              title: "{count} addresses try to log in on {host}, usual are {usual}"
              description: "{count} addresses tried to log in on {host} within an hour; usual are {usual}."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_network
              group_by: [host]
              once_per: [source]
              within: 1h
              rate: { times: 5, history: 7d, at_least: 50, learn: 1d }
            # An attacker has 2^64 addresses of one IPv6 network, and some have all of an IPv4 network; a household has a handful that do not fail.
            - name: SSHRotatingNetwork
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source_net} changes its address and guesses: {distinct} addresses"
              description: "{distinct} addresses of {source_net} made {count} attempts to log in within a day, none of which succeeded."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication", source=~".*:.*"'
              except: *known_network
              group_by: [net(source)]
              within: 24h
              count: 12
              distinct: { column: source, count: 4 }
            - name: SSHRotatingNetworkIPv4
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source_net} guesses from {distinct} addresses"
              description: "{distinct} addresses of {source_net} made {count} attempts to log in within a day, none of which succeeded."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication", source!~".*:.*"'
              except: *known_network
              group_by: [net(source)]
              within: 24h
              count: 30
              distinct: { column: source, count: 8 }

            # Clients that never get as far as a user. A health check that opens a connection and closes it (stage connect) is none of these, however often it comes; one
            # that reads the banner leaves some lines a minute.
            - name: SSHScanner
              pipeline: ssh
              severity: warning
              labels: { tactic: reconnaissance, technique: T1595.002 }
              title: "{source} scans sshd"
              description: "{count} connections from {source} ended in the exchange of banners or keys within ten minutes."
              match: 'outcome=~"abandoned|refused", stage=~"banner|key_exchange"'
              except: *known_network
              group_by: [source]
              within: 10m
              count: 20
            # Only what sshd refused: who is abandoned once a minute by its own monitoring has a thousand of the others a day.
            - name: SSHScannerSlow
              pipeline: ssh
              severity: warning
              labels: { tactic: reconnaissance, technique: T1595.002 }
              title: "{source} scans sshd, slowly"
              description: "{count} connections from {source} were refused in the exchange of banners or keys within seven days."
              match: 'outcome="refused", stage=~"banner|key_exchange"'
              except: *known_network
              group_by: [source]
              within: 7d
              count: 30
            # People whose agent holds many keys exhaust their attempts too, two or three times until they know why.
            - name: SSHAttemptsExhausted
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source} exhausts the attempts of {count} connections"
              description: "sshd ended {count} connections from {source} within an hour because they had too many failures."
              match: 'event="too_many_failures", outcome="refused"'
              except: *known_user
              group_by: [source]
              within: 1h
              count: 6
            # CVE-2024-6387 wants the time for a log-in to run out, again and again. A laptop that goes to sleep does it once.
            - name: SSHConnectionsHeldOpen
              pipeline: ssh
              severity: warning
              labels: { tactic: initial_access, technique: T1190 }
              title: "{source} holds connections open until their time is up"
              description: "{count} connections from {source} were held until their time for a log-in was up, within ten minutes."
              match: 'event="login_timeout", outcome="abandoned"'
              group_by: [source]
              within: 10m
              count: 12
            - name: SSHConnectionsHeldOpenSlow
              pipeline: ssh
              severity: warning
              labels: { tactic: initial_access, technique: T1190 }
              title: "{source} holds connections open, slowly"
              description: "{count} connections from {source} were held until their time for a log-in was up, within a day."
              match: 'event="login_timeout", outcome="abandoned"'
              group_by: [source]
              within: 24h
              count: 30
            # sshd has no room, or punishes the address, and drops what comes: log-ins of others may be dropped as well.
            - name: SSHConnectionFlood
              pipeline: ssh
              severity: warning
              labels: { tactic: impact, technique: T1499.002 }
              title: "{source} floods {host} with connections"
              description: "sshd on {host} dropped {count} connections from {source} within ten minutes."
              match: 'outcome="refused", stage="connect"'
              group_by: [source, host]
              within: 10m
              count: 50
            - name: SSHUsersNotAllowed
              pipeline: ssh
              severity: warning
              labels: { tactic: credential_access, technique: T1110.001 }
              title: "{source} tries users that may not log in"
              description: "{source} tried {count} times within an hour to log in as users that may not."
              match: 'event="user_not_allowed", outcome="refused"'
              except: *known_network
              group_by: [source]
              within: 1h
              count: 8

            # Somebody got in. A key cannot be guessed, so a log-in by key after failures of the same user is an owner who has mended his key, or a job whose key was
            # changed; after failures of several users it is a stolen key for which somebody tries out users.
            - name: SSHSuccessAfterFailures
              pipeline: ssh
              severity: critical
              labels: { tactic: initial_access, technique: T1078.003 }
              title: "{source} logged in as {user} after failures"
              description: "{count} failed attempts as {user} from {source} within seven days, then a log-in on {host} without a key."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_user
              group_by: [source, user]
              include: [host]
              within: 7d
              count: 6
              then: 'outcome="success", method!="publickey"'
            - name: SSHSuccessAfterGuessing
              pipeline: ssh
              severity: critical
              labels: { tactic: initial_access, technique: T1078.003 }
              title: "{source} logged in as {user} after it guessed at others"
              description: "{count} failed attempts from {source} within seven days, then a log-in as {user} on {host} without a key."
              match: 'outcome=~"failure|abandoned|refused", stage="authentication"'
              except: *known_network
              group_by: [source]
              include: [user, host]
              within: 7d
              count: 10
              then: 'outcome="success", method!="publickey"'
            - name: SSHSuccessAfterSpray
              pipeline: ssh
              severity: critical
              labels: { tactic: initial_access, technique: T1078.003 }
              title: "{source} logged in as {user} after it tried {distinct} users"
              description: "{source} tried {distinct} users in {count} attempts within seven days, then logged in as {user} on {host}."
              group_by: [source]
              except: *known_network
              include: [user, host]
              within: 7d
              sequence:
                - { match: 'outcome=~"failure|abandoned|refused", stage="authentication"', count: 6, distinct: { column: user, count: 3 } }
                - { match: 'outcome="success"' }
            # A password of root can be guessed by everybody. Once per network in thirty days: it is a setting to change more than an event.
            - name: SSHRootPassword
              pipeline: ssh
              severity: warning
              labels: { tactic: initial_access, technique: T1078.003 }
              title: "root logged in by password on {host} from {source}"
              description: "root logged in on {host} from {source} by a password, which hosts should not take."
              match: 'outcome="success", user="root", method!="publickey"'
              except: [{ seen: 'outcome="success", user="root", method!="publickey"', by: [net(source)], within: 30d }]
              group_by: [source, host]
              within: 1h
              count: 1

            # Log-ins that are unusual by themselves. The first week of a user is learned.
            - name: SSHNewNetwork
              pipeline: ssh
              severity: info
              labels: { tactic: initial_access, technique: T1078 }
              title: "{user} logged in from a network that is new: {source_net}"
              description: "{user} logged in on {host} from {source}; not within thirty days did {user} log in from {source_net}."
              match: 'outcome="success", user!="root"'
              group_by: [user]
              include: [source, host]
              within: 1h
              new: { column: net(source), within: 30d, learn: 7d }
            - name: SSHRootNewNetwork
              pipeline: ssh
              severity: warning
              labels: { tactic: initial_access, technique: T1078.003 }
              title: "root logged in from a network that is new: {source_net}"
              description: "root logged in on {host} from {source}; not within thirty days did root log in from {source_net}."
              match: 'outcome="success", user="root"'
              group_by: [user]
              include: [source, host]
              within: 1h
              new: { column: net(source), within: 30d, learn: 1d }
            # Two networks within ten minutes are a telephone and an office; that one of them is new makes it worth a look.
            - name: SSHUserInTwoNetworks
              pipeline: ssh
              mode: internal
              severity: info
              title: "{user} logged in from {distinct} networks within ten minutes"
              description: "{user} logged in from {distinct} networks within ten minutes."
              match: 'outcome="success"'
              group_by: [user]
              within: 10m
              distinct: { column: net(source), count: 2 }
            - name: SSHTwoPlaces
              pipeline: ssh
              on: findings
              severity: warning
              labels: { tactic: initial_access, technique: T1078 }
              title: "{user} logs in from two places at once, one of them new"
              description: "{user} logged in from a network that is new while logging in from another."
              match: 'rule=~"SSHNewNetwork|SSHRootNewNetwork|SSHUserInTwoNetworks"'
              group_by: [user]
              within: 15m
              distinct: { column: rule, count: 2 }

            # What somebody does who got in: he becomes root, or sees to it that he can come back. The lines have the address of the user's last log-in.
            - name: SSHAccountWork
              pipeline: ssh
              mode: internal
              severity: info
              title: "{user} on {host}: {event}"
              description: "{user} on {host}: {event}."
              match: 'event=~"sudo|su|keys_changed", source!=""'
              group_by: [source, host]
              include: [user, event]
              within: 1m
              count: 1
            - name: SSHBreakInFollowed
              pipeline: ssh
              on: findings
              severity: critical
              labels: { tactic: privilege_escalation, technique: T1548.003 }
              title: "{source} broke in on {host}, then went on with {event} as {user}"
              description: "Within a day after it had broken in on {host}, {source} used {event} as {user}."
              group_by: [source, host]
              include: [user, event]
              within: 24h
              sequence:
                - { match: 'rule=~"SSHSuccessAfter.*"' }
                - { match: 'rule="SSHAccountWork"' }

            # Windows unlike those that the source addresses of this installation have had so far; 'obs model train' trains it anew. Where nobody attacks it opens less than an incident
            # a day, but what it learns among attacks finds little that the rules do not (docs/detection.md has the figures), so it is recorded and notifies nobody.
            - name: SSHAnomalousSource
              kind: ensemble
              pipeline: ssh
              table: ssh_by_source
              by: source
              model: ssh-source-windows
              severity: info
              mode: simulate
              title: "Unusual behaviour of {source}: {feature} {value}"
              description: "Its five-minute window scores {score} (threshold {threshold}): {features}."

            """##
        ),
        (
            "rail",
            ##"""
            # What the pipeline rail finds; built in: a rule of the same name in a file under `detections:` of obs.yaml takes the place of one. Each rule has a page in runbooks/. `table` makes a rule look at the rows of a gold table.
            - name: RailFaultRiskHigh
              pipeline: rail
              table: rail_risk_alarms
              severity: warning
              title: "{vehicle} may break down"
              description: "The model of fault risk gave {vehicle} a risk of 0.7 or more in {count} quarters of an hour within two hours."
              match: 'vehicle!=""'
              group_by: [vehicle]
              within: 2h
              count: 2
            - name: RailBrakesDragging
              pipeline: rail
              severity: warning
              title: "Brakes of {vehicle} drag"
              description: "{vehicle} reported dragging brakes (fault flag 4) {count} times within half an hour."
              match: 'fault_flags=~"[4-7]", vehicle!=""'
              group_by: [vehicle]
              within: 30m
              count: 3
            - name: RailMaintenanceDelayed
              pipeline: rail
              table: rail_delay_alarms
              severity: warning
              title: "The workshop of {zone} is behind"
              description: "At least half of the work in {zone} was late by half an hour or more, in {count} hours of the last four."
              match: 'zone!=""'
              group_by: [zone]
              within: 4h
              count: 1

            """##
        ),
        (
            "shop",
            ##"""
            # What the pipeline shop finds; built in: a rule of the same name in a file under `detections:` of obs.yaml takes the place of one. Each rule has a page in runbooks/. `table` makes a rule look at the rows of a gold table.
            - name: ShopPagesSlow
              pipeline: shop
              table: shop_slow_views
              severity: warning
              title: "Pages are slow ({method})"
              description: "{count} requests by {method} took half a second or longer within five minutes."
              match: 'method!=""'
              group_by: [method]
              within: 5m
              count: 100
            - name: ShopServerErrors
              pipeline: shop
              severity: critical
              title: "The shop answers {method} with errors"
              description: "{count} requests by {method} were answered with a status of 500 or above within five minutes."
              match: 'status=~"5..", method!=""'
              group_by: [method]
              within: 5m
              count: 20
            - name: ShopScraper
              pipeline: shop
              table: shop_scrapers
              severity: info
              title: "Client {user_id} fetches pages like a program"
              description: "Client {user_id} viewed 300 pages or more in five minutes, {count} times within half an hour (0 is a client that has not logged in)."
              match: 'user_id!=""'
              group_by: [user_id]
              within: 30m
              count: 1
            - name: ShopProductDisappoints
              pipeline: shop
              severity: info
              title: "{product_id} disappoints: {count} poor ratings"
              description: "{count} customers gave {product_id} one or two stars within half an hour."
              match: 'stars=~"1|2", product_id!=""'
              group_by: [product_id]
              within: 30m
              count: 8

            """##
        ),
        (
            "events",
            ##"""
            # What the pipeline events finds; built in: a rule of the same name in a file under `detections:` of obs.yaml takes the place of one. Each rule has a page in runbooks/. `table` makes a rule look at the rows of a gold table.
            - name: EventsDemandSurge
              pipeline: events
              table: events_surges
              severity: info
              title: "Many more trips than usual from {zone}"
              description: "{zone} had 350 trips or more in five minutes, {count} times within half an hour."
              match: 'zone!=""'
              group_by: [zone]
              within: 30m
              count: 1
            - name: EventsFaresOdd
              pipeline: events
              table: events_dear_trips
              severity: warning
              title: "Fares from {zone} are far too high"
              description: "{count} trips from {zone} within ten minutes cost more than 12 a kilometre: meters count wrongly, or the feed has changed its unit."
              match: 'zone!=""'
              group_by: [zone]
              within: 10m
              count: 20

            """##
        ),
        (
            "self",
            ##"""
            # What the pipeline self finds; built in: a rule of the same name in a file under `detections:` of obs.yaml takes the place of one. Each rule has a page in runbooks/. `table` makes a rule look at the rows of a gold table.
            - name: SelfErrorBurst
              pipeline: self
              severity: warning
              title: "{logger} logs {count} errors in five minutes"
              description: "{count} lines of {logger} are errors within five minutes."
              match: 'level=~"error|critical", logger!=""'
              group_by: [logger]
              within: 5m
              count: 10
            - name: SelfStagesSlow
              pipeline: self
              table: self_slow_stages
              severity: warning
              title: "Stages of {logger} are slow"
              description: "One task in twenty of {logger} took five seconds or longer, in {count} windows of five minutes within half an hour."
              match: 'logger!=""'
              group_by: [logger]
              within: 30m
              count: 2
            - name: SelfJobStalled
              pipeline: self
              table: self_stalls
              severity: warning
              title: "{file} has stopped"
              description: "The job that writes {file} was at work and has said nothing for two minutes."
              match: 'file!=""'
              group_by: [file]
              within: 10m
              count: 1
            # Against the logger's own history: some log errors all day, others none in a month. In the first day of a logger only SelfErrorBurst looks at it.
            - name: SelfErrorsUnusual
              pipeline: self
              severity: warning
              title: "{logger} logs far more errors than usual: {count} in five minutes"
              description: "{count} lines of {logger} are errors within five minutes; usual are {usual}."
              match: 'level=~"error|critical", logger!=""'
              group_by: [logger]
              within: 5m
              rate: { times: 5, history: 7d, at_least: 20, learn: 1d }
            # A message that the jobs have never written: mostly an error that nobody has written a rule for. Its first day is learned, and names that vary
            # make up to three templates before they are taken for one, so it looks at warnings and errors alone.
            - name: SelfMessageNew
              pipeline: self
              severity: info
              title: "{logger} says something new: {template}"
              description: "A warning or error of {logger} is unlike all that the jobs have written in 30 days: {template}."
              match: 'template_id!="", logger!="", level=~"warning|error|critical"'
              group_by: []
              include: [logger, template]
              new: { column: template_id, within: 30d, learn: 1d }
            # One message that comes far more often than usual, whatever its level: retries, time-outs, a loop.
            - name: SelfMessageSurge
              pipeline: self
              severity: info
              title: "A message comes {count} times in five minutes: {template}"
              description: "The jobs wrote it {count} times within five minutes; usual are {usual}: {template}."
              match: 'template_id!="", template!=""'
              group_by: [template]
              within: 5m
              rate: { times: 10, history: 7d, at_least: 100, learn: 1d }

            """##
        ),
    ]
}
