"""The forecaster: hourly forecasts of flow and pressure from one global LSTM."""
