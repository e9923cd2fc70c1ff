"""The program between broker and store.

worker   its tasks
metrics  counts sent to InfluxDB
gauges   what is measured rather than counted
"""
