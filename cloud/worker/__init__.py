"""The program between broker and store.

worker   its tasks
metrics  counts for InfluxDB
gauges   measured values for InfluxDB
"""
